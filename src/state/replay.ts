/** Rebuilding a machine: its snapshot, then every event of the journal that the snapshot does not hold. */
import { BrokerError } from '../kernel/errors.ts'
import { MiB, offset } from '../kernel/units.ts'
import type { BlobStore, PartitionLog } from '../log/index.ts'
import { decodeRecord, recordLength, recordOffset } from '../record/index.ts'
import type { StateCodec, StateMachine } from './machine.ts'
import { decodeSnapshotFile } from './snapshot.ts'

const CHUNK = { maxBytes: 1 * MiB, maxRecords: 10_000 }

export interface ReplaySource<Event, Snapshot> {
  readonly snapshotName: string
  readonly blobs: BlobStore
  readonly log: PartitionLog
  readonly codec: StateCodec<Event, Snapshot>
}

export interface Replayed {
  /** Bytes of the snapshot; 0 where there was none. */
  readonly snapshotBytes: number
  /** Events applied after the snapshot, and their bytes. */
  readonly events: number
  readonly journalBytes: number
}

/**
 * Rejects with LOG_CORRUPT where snapshot and journal do not meet or the codec cannot read them, with FORMAT_TOO_NEW
 * where it says that they are of a newer broker: a machine starts with all it knew or not at all.
 */
export async function replay<Event, Snapshot>(
  machine: Pick<StateMachine<never, Event, unknown, Snapshot>, 'apply' | 'restore'>,
  source: ReplaySource<Event, Snapshot>,
): Promise<Replayed> {
  const { snapshotName, blobs, log, codec } = source
  const file = await blobs.get(snapshotName)
  let from = 0
  if (file !== undefined) {
    const { journalOffset, body } = decodeSnapshotFile(snapshotName, file)
    machine.restore(decoded(snapshotName, () => codec.decodeSnapshot(body)))
    from = journalOffset
  }
  const { start, next } = log.offsets()
  if (from < start || from > next) {
    throw new BrokerError(
      'LOG_CORRUPT',
      `${snapshotName} ends at ${from}, but its journal holds ${start} to ${next}`,
    )
  }
  let at = from
  let journalBytes = 0
  while (at < next) {
    const { bytes, nextOffset } = await log.read(offset(at), CHUNK)
    applyAll(bytes, source, machine)
    journalBytes += bytes.length
    at = nextOffset
  }
  return { snapshotBytes: file?.length ?? 0, events: next - from, journalBytes }
}

function applyAll<Event, Snapshot>(
  bytes: Buffer,
  { codec, snapshotName }: ReplaySource<Event, Snapshot>,
  machine: Pick<StateMachine<never, Event, unknown, Snapshot>, 'apply'>,
): void {
  for (let at = 0; at < bytes.length; at += recordLength(bytes, at)) {
    const { value } = decodeRecord(bytes, at)
    const where = `journal of ${snapshotName}, event ${recordOffset(bytes, at)}`
    if (value === null) throw new BrokerError('LOG_CORRUPT', `${where}: no event`)
    machine.apply(decoded(where, () => codec.decodeEvent(value)))
  }
}

function decoded<T>(where: string, decode: () => T): T {
  try {
    return decode()
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    const code = cause instanceof BrokerError ? cause.code : 'LOG_CORRUPT'
    throw new BrokerError(code, `${where}: ${why}`, { cause })
  }
}
