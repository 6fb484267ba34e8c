/**
 * What a wait needs of an AbortSignal, which is one. A listener that has thousands of waits makes its own: a signal of
 * Node's costs 10 µs a wait.
 */
export interface AbortNotice {
  readonly aborted: boolean
  addEventListener(type: 'abort', listener: () => void, options?: { readonly once?: boolean }): void
  removeEventListener(type: 'abort', listener: () => void): void
}

/** Who asks. Travels with every call, so that authorisation, quotas and tracing find it later. */
export interface Caller {
  /** The name of the API key; `anonymous` where none is asked for. */
  readonly principal: string
  /** Names the request in logs. */
  readonly requestId: string
  /** Aborted when the caller went away; a wait should then end. */
  readonly signal?: AbortNotice
}

export const INTERNAL_CALLER: Caller = { principal: 'internal', requestId: '-' }
