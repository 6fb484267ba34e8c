/** A workload: some clients that use one feature until they are told to stop, and note all of it in the history. */
import { BrokerError } from '../../../src/client/index.ts'
import type { SeededRandom } from '../../support/random.ts'
import type { Finding, Terms } from '../check/finding.ts'
import { type HttpClient, pause } from '../clients/http.ts'
import type { History } from '../history/history.ts'
import type { Operation } from '../history/operation.ts'

export const FEATURES = ['log', 'groups', 'queue', 'durable', 'delay', 'priority'] as const
export type Feature = (typeof FEATURES)[number]

export interface WorkContext {
  /** Where the broker is reached, for clients that make connections of their own. */
  readonly url: string
  readonly http: HttpClient
  readonly history: History
  readonly random: SeededRandom
  /** True when no new work is to be begun. */
  readonly isOver: () => boolean
}

export interface Workload {
  /** Makes what is needed; the broker is well. */
  prepare(): Promise<void>
  /** Resolves when all clients have stopped. */
  run(): Promise<void>
  /** The broker is well again: brings everything to rest, and reads what is there. */
  finish(): Promise<void>
  check(history: readonly Operation[], terms: Terms): Finding[]
}

/** How long what is left may take to come to rest while nothing moves, in milliseconds. */
export const REST_MS_MAX = 15_000
const LOOK_MS = 50

/** Of members through the SDK, who choose no id of their own: one whose join was not answered is gone after it. */
export const SDK_SESSION_MS = 6000

/**
 * Resolves when the work is over; before that only where a run of the SDK ends by itself, which it may not. A run that was
 * closed before it could begin rejects with just that.
 */
export async function whileRunning({ isOver }: WorkContext, run: Promise<void>): Promise<void> {
  let isEnded = false
  const ended = run.then(() => {
    isEnded = true
  })
  ended.catch(() => {
    isEnded = true
  })
  while (!isOver() && !isEnded) await pause(LOOK_MS)
  if (isEnded) await ended
}

/** Resolves when the run has ended for no other reason than that it was closed. */
export async function ofClosed(run: Promise<void>): Promise<void> {
  await run.catch((error: unknown) => {
    if (!(error instanceof BrokerError) || error.code !== 'CLIENT_CLOSED') throw error
  })
}
