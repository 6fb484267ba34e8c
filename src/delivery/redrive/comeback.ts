/** A dead letter on its way back: as it was before it died, marked with where it came from and for whom it comes. */
import { batchOf, type RecordBatch } from '../../record/index.ts'
import { DEAD_LETTER_HEADER, type DeadLetterMark } from '../deadLetter.ts'
import { REDRIVE_HEADER, type RedriveMark } from '../redriveMark.ts'
import type { DeadLetter } from './letters.ts'
import type { Task } from './machine.ts'

export interface Comeback {
  readonly task: Task
  readonly sequence: number
}

export const targetOf = ({ record }: DeadLetterMark): string =>
  `${record.topic}-${record.partition}`

/** The batch of one record, in the name of the task: appended twice it is stored once. */
export function comebackBatch(
  { record }: DeadLetter,
  mark: DeadLetterMark,
  { task, sequence }: Comeback,
): RecordBatch {
  const { [DEAD_LETTER_HEADER]: _, ...own } = record.extension?.headers ?? {}
  const redrive: RedriveMark = {
    group: mark.group,
    task: task.id,
    redrives: mark.redrives + 1,
    original: mark.original,
  }
  const headers = { [REDRIVE_HEADER]: JSON.stringify(redrive), ...own }
  const producer = { producerId: task.producerId, epoch: 0, sequence }
  const { key, value, priority } = record
  return batchOf({ key, value, priority, extension: { headers, producer } })
}
