import type { Operations } from '../../../broker/index.ts'

export type Acks = Operations['records.publish']['input']['acks']

export const ACKS_WORDS: readonly Acks[] = ['none', 'leader', 'all']

/** What a request gets that does not say. */
export const DEFAULT_ACKS: Acks = 'all'

/** Undefined for anything that is not one of the words. */
export const acksOf = (value: unknown): Acks | undefined =>
  ACKS_WORDS.find((word) => word === value)
