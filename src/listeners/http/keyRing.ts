/**
 * The API keys that are known here, asked with each request.
 *
 * A key is hashed and the hash compared with that of every known key, each comparison in constant time and none left
 * out: how long it takes says nothing about how near a guess was. Hashing costs as much as reading a small request, so
 * keys that were found are kept in a map, which holds known keys only and so is bounded by their number. Looking into
 * it gives a guesser nothing either: V8 compares the text of a string only with one of equal hash, and the seed of
 * that hash is random and of this process, so texts that come ever nearer to a key cannot be made.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { API_KEY_CHARS, type ApiKey } from '../../kernel/apiKey.ts'

interface Known extends ApiKey {
  readonly digest: Buffer
}

const digestOf = (key: string): Buffer => createHash('sha256').update(key).digest()

export class KeyRing {
  #known: readonly Known[] = []
  /** Key to name, of those that were asked for and found. */
  readonly #found = new Map<string, string>()

  constructor(keys: readonly ApiKey[]) {
    this.replace(keys)
  }

  /** From now on these keys open, and no others. */
  replace(keys: readonly ApiKey[]): void {
    this.#known = keys.map(({ name, key }) => ({ name, key, digest: digestOf(key) }))
    this.#found.clear()
  }

  /** The name of a key; undefined for one that is not known. */
  nameOf(key: string): string | undefined {
    return this.#found.get(key) ?? this.#compare(key)
  }

  #compare(key: string): string | undefined {
    if (key.length > API_KEY_CHARS.max) return undefined
    const digest = digestOf(key)
    let match: Known | undefined
    for (const known of this.#known) if (timingSafeEqual(digest, known.digest)) match = known
    // Its own text, not the caller's: that one is a slice that would keep a whole header.
    if (match !== undefined) this.#found.set(match.key, match.name)
    return match?.name
  }
}
