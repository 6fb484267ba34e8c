/** What a checker found: which promise did not hold, and what shows it. */
import type { Acks } from '../history/operation.ts'

export const CHECKS = [
  'lost',
  'duplicate',
  'refused but written',
  'torn batch',
  'invented',
  'content changed',
  'gap',
  'time went back',
  'reordered',
  'unreadable',
  'read skips',
  'read misses',
  'watermark went back',
  'floor went back',
  'stale commit taken',
  'two owners',
  'passed over',
  'two holders',
  'lease repeated',
  'settled and handed out',
  'settled twice',
  'back too early',
  'dead letter missing',
  'dead letter twice',
  'wrong lane',
  'left over',
  'early',
  'cancelled came',
] as const
export type Check = (typeof CHECKS)[number]

export interface Finding {
  readonly check: Check
  readonly message: string
}

/** What the faults of a run may take away though it was confirmed. `state`: acks, nacks, leases and commits. */
export type Losable = Acks | 'state'

export interface Terms {
  readonly losable: ReadonlySet<Losable>
  /** When losses may have happened: monotonic times. */
  readonly losses: readonly { readonly start: number; readonly end: number }[]
  /** The broker's clock is not this machine's. */
  readonly clockSteps: boolean
}

/** Where nothing may be lost. */
export const STRICT: Terms = { losable: new Set(), losses: [], clockSteps: false }

const OF_A_KIND_MAX = 5

/** Findings of one check after the other; of each check the first few, and how many there were. */
export class Findings {
  readonly #found = new Map<Check, string[]>()

  add(check: Check, message: string): void {
    const messages = this.#found.get(check) ?? []
    messages.push(message)
    this.#found.set(check, messages)
  }

  list(): Finding[] {
    return [...this.#found].flatMap(([check, messages]) => {
      const shown = messages.slice(0, OF_A_KIND_MAX).map((message) => ({ check, message }))
      const more = messages.length - shown.length
      return more === 0 ? shown : [...shown, { check, message: `and ${more} more` }]
    })
  }
}

/** How many there were, those included of which only the number is told. */
export const count = (findings: readonly Finding[]): number =>
  findings.reduce((sum, { message }) => sum + Number(/^and (\d+) more$/.exec(message)?.[1] ?? 1), 0)
