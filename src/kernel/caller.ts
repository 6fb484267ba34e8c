/** Who asks. Travels with every call, so that authorisation, quotas and tracing find it later. */
export interface Caller {
  /** `anonymous` until there is authentication. */
  readonly principal: string
  /** Names the request in logs. */
  readonly requestId: string
  /** Aborted when the caller went away; a wait should then end. */
  readonly signal?: AbortSignal
}

export const INTERNAL_CALLER: Caller = { principal: 'internal', requestId: '-' }
