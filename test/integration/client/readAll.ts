import { type Connection, Records } from '../../../src/client/index.ts'
import type { DecodedRecord } from '../../../src/record/index.ts'

/** All records of a topic, by partition. */
export async function readAll(
  connection: Connection,
  topic: string,
  partitions: number,
): Promise<DecodedRecord[][]> {
  const records = new Records(connection)
  const all: DecodedRecord[][] = []
  for (let partition = 0; partition < partitions; partition += 1) {
    const found: DecodedRecord[] = []
    for (;;) {
      const page = await records.read({
        topic,
        partition,
        offset: found.length,
        maxRecords: 10_000,
      })
      if (page.records.length === 0) break
      found.push(...page.records)
    }
    all.push(found)
  }
  return all
}
