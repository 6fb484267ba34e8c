/** A fault: what is done to the broker while clients work, again and again, until they are done. */
import type { SeededRandom } from '../../support/random.ts'
import type { BrokerProcess } from '../brokers/broker.ts'
import type { Relay } from '../brokers/relay.ts'
import type { Losable } from '../check/finding.ts'

export interface Target {
  readonly broker: BrokerProcess
  readonly relay: Relay
  readonly random: SeededRandom
  /** Starts the broker again and shows the relay where it is. */
  revive(): Promise<void>
}

export interface Fault {
  readonly name: string
  /** What kind of broker it needs. */
  readonly on: 'daemon' | 'simulated' | 'faketime'
  /** What it may take away though it was confirmed. */
  readonly loses: readonly Losable[]
  readonly stepsClock?: boolean
  /** Rest between two strikes: at least, at most, in milliseconds. */
  readonly restMs: readonly [number, number]
  /** Strikes once. Resolves when the broker is well again, or as well as this fault leaves it. */
  strike(target: Target): Promise<void>
  /** Makes all well, at the end of a run. */
  heal?(target: Target): Promise<void>
}
