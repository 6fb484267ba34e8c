/** How long and how large: what --quick and --full change. */
import { GiB, MiB } from '../../src/kernel/units.ts'

export interface Settings {
  readonly mode: 'tiny' | 'quick' | 'standard' | 'full'
  readonly rounds: number
  readonly warmupMs: number
  readonly turnMs: number
  /** Bytes of the log that cold reads are made in. */
  readonly coldBytes: number
  /** Cold reads of one turn. */
  readonly coldReads: number
  /** Bytes stored when the start time is taken. */
  readonly startBytes: number
  /** Records stored when the resident size is taken. */
  readonly storedRecords: number
  /** Records that one turn of reading back goes through. */
  readonly readRecords: number
  /** Length of the steady publish and read that must not grow. */
  readonly soakMs: number
  /** Length of the load that goes the whole way, from a producer to a group. */
  readonly wholePathMs: number
}

const STANDARD: Settings = {
  mode: 'standard',
  rounds: 5,
  warmupMs: 1_000,
  turnMs: 3_000,
  coldBytes: 10 * GiB,
  coldReads: 500,
  startBytes: 1 * GiB,
  storedRecords: 1_000_000,
  readRecords: 1_000_000,
  soakMs: 60_000,
  wholePathMs: 30_000,
}

const QUICK: Settings = {
  ...STANDARD,
  mode: 'quick',
  warmupMs: 500,
  turnMs: 1_000,
  coldBytes: 1 * GiB,
  coldReads: 200,
  readRecords: 300_000,
  soakMs: 20_000,
  wholePathMs: 5_000,
}

const FULL: Settings = {
  ...STANDARD,
  mode: 'full',
  warmupMs: 2_000,
  turnMs: 5_000,
  coldReads: 1_000,
  soakMs: 600_000,
}

/** Inputs just large enough that a test sees every part move. */
export const TINY: Settings = {
  mode: 'tiny',
  rounds: 1,
  warmupMs: 10,
  turnMs: 30,
  coldBytes: 1 * MiB,
  coldReads: 5,
  startBytes: 1 * MiB,
  storedRecords: 1_000,
  readRecords: 1_000,
  soakMs: 100,
  wholePathMs: 100,
}

export interface SettingsChoice {
  readonly quick: boolean
  readonly full: boolean
  readonly rounds: number | undefined
  readonly coldBytes: number | undefined
  readonly soakMs: number | undefined
}

export function chooseSettings(choice: SettingsChoice): Settings {
  const base = choice.full ? FULL : choice.quick ? QUICK : STANDARD
  return {
    ...base,
    rounds: choice.rounds ?? base.rounds,
    coldBytes: choice.coldBytes ?? base.coldBytes,
    soakMs: choice.soakMs ?? base.soakMs,
  }
}
