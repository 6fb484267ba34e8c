/** The topics of the load. Segments and retention are small, so that within minutes as much is deleted as is written. */
import { MiB } from '../../../src/kernel/units.ts'
import type { World } from './world.ts'

export const TOPICS = { log: 'log', work: 'work', later: 'later' } as const
export const PARTITIONS = 3
const SEGMENT_BYTES = 1 * MiB
const RETENTION_BYTES = 8 * MiB
/** One delay log, so that within half an hour it is cut several times. */
const PARTITIONS_LATER = 1
/** A dead letter that was brought back is of no more use. */
const LETTERS_BYTES = 1 * MiB

export async function makeTopics({ client: { admin } }: World): Promise<void> {
  const config = { segment_bytes: SEGMENT_BYTES, retention_bytes: RETENTION_BYTES }
  for (const name of Object.values(TOPICS)) {
    const partitions = name === TOPICS.later ? PARTITIONS_LATER : PARTITIONS
    await admin.createTopic({ name, partitions, config })
  }
  const letters = { segment_bytes: SEGMENT_BYTES, retention_bytes: LETTERS_BYTES }
  await admin.createTopic({
    name: `${TOPICS.work}.dlq`,
    partitions: PARTITIONS,
    config: letters,
  })
}
