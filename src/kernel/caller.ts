/** Who asks. Travels with every call, so that authorisation, quotas and tracing find it later. */
export interface Caller {
  /** The name of the API key; `anonymous` where none is asked for. */
  readonly principal: string
  /** Names the request in logs. */
  readonly requestId: string
  /** Aborted when the caller went away; a wait should then end. */
  readonly signal?: AbortSignal
}

export const INTERNAL_CALLER: Caller = { principal: 'internal', requestId: '-' }
