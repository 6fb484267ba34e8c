/** A secret that names who asks. */
export interface ApiKey {
  /** What logs and calls show of it; never the key. */
  readonly name: string
  readonly key: string
}

/** In characters. Shorter ones can be guessed; longer ones are a file given by mistake. */
export const API_KEY_CHARS = { min: 16, max: 512 } as const
