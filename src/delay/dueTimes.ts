/** What a batch of delayed records says of itself, taken before the log takes its bytes. */
import { BrokerError } from '../kernel/errors.ts'
import {
  originAt,
  originDueMs,
  putOrigin,
  type RecordBatch,
  recordKeyBytes,
  recordLength,
  recordPriority,
} from '../record/index.ts'
import { DUE_MS_MAX } from './settings.ts'

export interface DueTimes {
  readonly dueMs: Float64Array
  readonly priorities: Uint8Array
  /** 1 where the record has no key. */
  readonly keyless: Uint8Array
}

/**
 * The due times of a batch, its priorities, and which records have no key; its origins then name `partition`, whoever wrote them. Throws
 * INVALID_REQUEST where a record has none.
 */
export function takeDueTimes({ bytes, count }: RecordBatch, partition: number): DueTimes {
  const dueMs = new Float64Array(count)
  const priorities = new Uint8Array(count)
  const keyless = new Uint8Array(count)
  for (let at = 0, i = 0; i < count; i += 1) {
    const place = originAt(bytes, at)
    const due = place < 0 ? Number.NaN : originDueMs(bytes, place)
    if (!(due <= DUE_MS_MAX)) throw noTime(i, place < 0)
    putOrigin(bytes, place, { partition, offset: 0, dueMs: due })
    dueMs[i] = due
    priorities[i] = recordPriority(bytes, at)
    keyless[i] = recordKeyBytes(bytes, at) === 0 ? 1 : 0
    at += recordLength(bytes, at)
  }
  return { dueMs, priorities, keyless }
}

function noTime(index: number, isMissing: boolean): BrokerError {
  const what = isMissing ? 'has no time to wait for' : 'waits for a time that no clock will show'
  return new BrokerError('INVALID_REQUEST', `record ${index} ${what}`, {
    fields: { [`messages[${index}]`]: what },
  })
}
