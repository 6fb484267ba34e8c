/** What an examination of a data directory or a daemon says: a line a check, and what to do where all is not well. */

export type FindingStatus = 'ok' | 'warning' | 'problem'

export interface Finding {
  /** A short name that stays the same: `disk space`. */
  readonly check: string
  readonly status: FindingStatus
  readonly message: string
  /** What to do next; only where there is something to do. */
  readonly advice?: string
  /** Particulars, a line each. */
  readonly details?: readonly string[]
}

/** More lines of one kind help nobody. */
const DETAILS_MAX = 10

export const ok = (check: string, message: string): Finding => ({ check, status: 'ok', message })

export interface Trouble {
  readonly message: string
  readonly advice: string
  readonly details?: readonly string[]
}

export const warning = (check: string, trouble: Trouble): Finding =>
  withDetails({ check, status: 'warning', ...trouble })

export const problem = (check: string, trouble: Trouble): Finding =>
  withDetails({ check, status: 'problem', ...trouble })

function withDetails({ details = [], ...finding }: Finding): Finding {
  if (details.length === 0) return finding
  const more = details.length - DETAILS_MAX
  if (more <= 0) return { ...finding, details }
  return { ...finding, details: [...details.slice(0, DETAILS_MAX), `and ${more} more`] }
}
