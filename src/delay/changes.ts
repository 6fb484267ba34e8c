/**
 * Cancelling and rescheduling. While a change is on its way to the disk the message is not delivered, and another change
 * waits its turn; one whose append was refused leaves the message as it was.
 */
import { BrokerError } from '../kernel/errors.ts'
import { failpoint } from '../kernel/failpoint.ts'
import type { RecordBatch } from '../record/index.ts'
import type { Partition } from '../topics/index.ts'
import type { Alarm } from './alarm.ts'
import type { DelayIndex } from './delayIndex.ts'
import { type IndexPage, PAGE_ENTRIES } from './indexPage.ts'
import type { LogAppends } from './logAppends.ts'
import { STATE, stateWord } from './states.ts'

/** A change of one message. */
export interface Change {
  /** True where an entry in that state needs no change. */
  readonly isDone: (state: number) => boolean
  readonly batch: () => RecordBatch
  /** Called when the change is on disk. */
  readonly apply: () => void
}

export interface ChangesOptions {
  readonly target: Partition
  readonly index: DelayIndex
  readonly appends: LogAppends
  readonly alarm: Alarm
  /** The page of an offset: that in memory, or a copy of one whose entries are all final. */
  readonly pageOf: (offset: number) => Promise<IndexPage | undefined>
  /** It waits for its time again. */
  readonly resume: (offset: number) => void
}

export class Changes {
  readonly #options: ChangesOptions
  /** By offset: those on their way. */
  readonly #underWay = new Map<number, Promise<unknown>>()

  constructor(options: ChangesOptions) {
    this.#options = options
  }

  /** Resolves when it is on disk. Rejects with DELAYED_NOT_FOUND, ALREADY_DELIVERED, or as an append does. */
  async make(offset: number, change: Change): Promise<void> {
    const { target, index, alarm, pageOf } = this.#options
    const at = offset % PAGE_ENTRIES
    for (;;) {
      const copy = await pageOf(offset)
      const page = index.page(offset)
      const state = (page ?? copy)?.state(at) ?? STATE.NONE
      const before = this.#underWay.get(offset)
      if (before !== undefined) {
        await before
        continue
      }
      if (change.isDone(state)) return
      if (state === STATE.NONE) throw notFound(target, offset)
      if (page === undefined || (state !== STATE.PENDING && state !== STATE.DUE)) {
        throw tooLate(target, offset, state)
      }
      page.setState(at, STATE.CHANGING)
      alarm.unwatch(page, at)
      const made = this.#append(offset, change)
      const ended = made.catch(() => undefined).finally(() => this.#underWay.delete(offset))
      this.#underWay.set(offset, ended)
      return await made
    }
  }

  /** Where nobody knows whether the change is on disk, the next start does: until then the message stays where it is. */
  async #append(offset: number, { batch, apply }: Change): Promise<void> {
    failpoint('delay.change.before-append')
    await this.#options.appends.append(batch(), {
      apply: () => {
        failpoint('delay.change.after-append')
        apply()
      },
      refused: () => this.#options.resume(offset),
    })
  }
}

const nameOf = (target: Partition, offset: number): string =>
  `${target.topic}-${target.index} ${offset}`

const notFound = (target: Partition, offset: number): BrokerError =>
  new BrokerError('DELAYED_NOT_FOUND', `there is no delayed message ${nameOf(target, offset)}`)

const WORDS: Readonly<Record<number, string>> = {
  [STATE.FIRING]: 'being delivered',
  [STATE.CHANGING]: 'in an unknown state until the broker is started again',
}

function tooLate(target: Partition, offset: number, state: number): BrokerError {
  const word = WORDS[state] ?? stateWord(state)
  return new BrokerError(
    'ALREADY_DELIVERED',
    `delayed message ${nameOf(target, offset)} is ${word}`,
  )
}
