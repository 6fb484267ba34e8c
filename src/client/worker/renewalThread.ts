/**
 * Renews leases in a thread of its own, over connections of its own: a handler that blocks the event loop keeps its
 * lease, and one that runs too long loses it. Speaking of a lease also counts as the member's heartbeat.
 *
 * The thread is made from the text of this class, so that it needs no file of its own wherever the client ends up: in
 * a bundle, in dist/, run from its sources. So the class uses nothing but what it is given and Node's globals.
 */
export interface RenewalInput {
  readonly url: string
  readonly apiKey?: string | undefined
  readonly ca?: string | undefined
  readonly group: string
  readonly topics: readonly string[]
  readonly memory: SharedArrayBuffer
  readonly slots: number
  /** Of the table: words and floats per slot, bits of a state. */
  readonly layout: { readonly words: number; readonly floats: number; readonly stateBits: number }
  readonly states: { readonly HELD: number; readonly LAPSED: number; readonly LOST: number }
  /** What a lease is extended to, from now. */
  readonly leaseMs: number
  /** Age, or time since the last extension, at which a lease is extended. */
  readonly renewAfterMs: number
  readonly maxRuntimeMs: number
  /** Between two looks at the table. */
  readonly tickMs: number
  readonly requestTimeoutMs: number
  /** Longest wait for a connection before the first look. */
  readonly warmUpMs: number
  readonly receiptsMax: number
}

/** ready: it looks at the table; lapsed, lost: what became of a slot; trouble: the broker does not answer. */
export type RenewalNews =
  | { readonly kind: 'ready' }
  | { readonly kind: 'lapsed' | 'lost'; readonly slot: number; readonly version: number }
  | { readonly kind: 'trouble'; readonly message: string }

interface Due {
  readonly slot: number
  readonly word: number
  readonly receipts: readonly string[]
}

interface RequestOptions {
  readonly method: string
  readonly headers: Record<string, string>
  readonly signal: AbortSignal
}

interface Reply {
  readonly status: number
  readonly text: string
}

interface Answer {
  readonly results?: readonly { readonly extended?: boolean; readonly code?: string }[]
}

export class RenewalThread {
  readonly #input: RenewalInput
  readonly #tell: (news: RenewalNews) => void
  readonly #words: Int32Array
  readonly #floats: Float64Array
  /** Of each slot: which use of it was extended last, and when. */
  readonly #extendedWord: Int32Array
  readonly #extendedMs: Float64Array
  /** Let go at the last look. Whoever hears of it tells the broker; unless the event loop is blocked. */
  #lapsed: Due[] = []

  constructor(input: RenewalInput, tell: (news: RenewalNews) => void) {
    const { slots, layout, memory } = input
    this.#input = input
    this.#tell = tell
    const words = slots * layout.words
    this.#words = new Int32Array(memory, 0, words)
    this.#floats = new Float64Array(memory, words * 4, slots * layout.floats)
    this.#extendedWord = new Int32Array(slots)
    this.#extendedMs = new Float64Array(slots)
  }

  /** Never ends by itself. */
  async run(): Promise<never> {
    await this.#warmUp()
    this.#tell({ kind: 'ready' })
    for (;;) {
      try {
        await this.#tick()
      } catch (error) {
        const { cause = error } = error instanceof Error ? error : {}
        const why = cause instanceof Error ? cause.message : String(cause)
        this.#tell({ kind: 'trouble', message: `leases cannot be renewed: ${why}` })
      }
      await new Promise((resolve) => {
        setTimeout(resolve, this.#input.tickMs)
      })
    }
  }

  /** A first request takes a while, which a short lease does not have. */
  async #warmUp(): Promise<void> {
    try {
      await this.#request('GET', '/livez', this.#input.warmUpMs)
    } catch {
      // Whether the broker answers is told when there is something to ask it.
    }
  }

  async #tick(): Promise<void> {
    const nowMs = performance.timeOrigin + performance.now()
    const due: Due[] = []
    await this.#nackLapsed()
    for (let slot = 0; slot < this.#input.slots; slot += 1) this.#look(slot, nowMs, due)
    for (const some of this.#chunksOf(due)) await this.#extend(some, nowMs)
  }

  #look(slot: number, nowMs: number, due: Due[]): void {
    const { layout, states, renewAfterMs, maxRuntimeMs } = this.#input
    const at = slot * layout.words
    const word = Atomics.load(this.#words, at)
    if ((word & ((1 << layout.stateBits) - 1)) !== states.HELD) return
    const [sinceMs = 0, startedMs = 0] = this.#floats.subarray(
      slot * layout.floats + 1,
      slot * layout.floats + 3,
    )
    const extendedMs = this.#extendedWord[slot] === word ? (this.#extendedMs[slot] ?? 0) : 0
    const isTooLong = startedMs > 0 && nowMs - startedMs >= maxRuntimeMs
    if (!isTooLong && nowMs - Math.max(sinceMs, extendedMs) < renewAfterMs) return
    const receipts = this.#receiptsOf(slot)
    // Read before the state was known to be still the same: another use of the slot may have begun.
    if (Atomics.load(this.#words, at) !== word) return
    if (!isTooLong) due.push({ slot, word, receipts })
    else if (this.#change(slot, word, states.LAPSED, 'lapsed')) {
      const lapsedWord = (word & ~((1 << layout.stateBits) - 1)) | states.LAPSED
      this.#lapsed.push({ slot, word: lapsedWord, receipts })
    }
  }

  #receiptsOf(slot: number): string[] {
    const { layout, group, topics } = this.#input
    const at = slot * layout.words
    const [topic = 0, partition = 0, nonce = 0, deliveries = 0, count = 0] = this.#words.subarray(
      at + 1,
      at + 6,
    )
    const taken = Atomics.load(this.#words, at + 6)
    const first = this.#floats[slot * layout.floats] ?? 0
    const nonceText = (nonce >>> 0).toString(16).padStart(8, '0')
    return Array.from(
      { length: Math.max(0, count - taken) },
      (_, i) =>
        `${group}:${topics[topic]}:${partition}:${first + taken + i}:${deliveries}:${nonceText}`,
    )
  }

  /** False where the slot is not what it was: its handler has returned. */
  #change(slot: number, word: number, state: number, kind: 'lapsed' | 'lost'): boolean {
    const { layout } = this.#input
    const version = word >>> layout.stateBits
    const to = (version << layout.stateBits) | state
    const was = Atomics.compareExchange(this.#words, slot * layout.words, word, to)
    if (was === word) this.#tell({ kind, slot, version })
    return was === word
  }

  *#chunksOf(due: readonly Due[]): Generator<readonly Due[]> {
    let some: Due[] = []
    let receipts = 0
    for (const each of due) {
      if (some.length > 0 && receipts + each.receipts.length > this.#input.receiptsMax) {
        yield some
        some = []
        receipts = 0
      }
      some.push(each)
      receipts += each.receipts.length
    }
    if (some.length > 0) yield some
  }

  async #extend(due: readonly Due[], nowMs: number): Promise<void> {
    const receipt_handles = due.flatMap(({ receipts }) => receipts)
    if (receipt_handles.length === 0) return
    const timeout = this.#input.leaseMs
    const { results = [] } = await this.#post('visibility', { receipt_handles, timeout })
    let at = 0
    for (const { slot, word, receipts } of due) {
      const answers = results.slice(at, at + receipts.length)
      at += receipts.length
      if (answers.some(({ extended }) => extended === false)) {
        this.#change(slot, word, this.#input.states.LOST, 'lost')
        continue
      }
      this.#extendedWord[slot] = word
      this.#extendedMs[slot] = nowMs
    }
  }

  async #nackLapsed(): Promise<void> {
    this.#lapsed = this.#lapsed.filter(
      ({ slot, word }) => Atomics.load(this.#words, slot * this.#input.layout.words) === word,
    )
    for (const some of this.#chunksOf(this.#lapsed)) {
      const receipt_handles = some.flatMap(({ receipts }) => receipts)
      const reason = `the handler ran longer than ${this.#input.maxRuntimeMs} ms`
      await this.#post('nack', { receipt_handles, reason })
    }
    this.#lapsed = []
  }

  async #post(action: string, body: object): Promise<Answer> {
    const { requestTimeoutMs } = this.#input
    const path = `/messages/${action}`
    const reply = await this.#request('POST', path, requestTimeoutMs, JSON.stringify(body))
    if (reply.status < 300) return JSON.parse(reply.text) as Answer
    throw new Error(`the broker answered ${reply.status}: ${reply.text}`)
  }

  async #request(method: string, path: string, timeoutMs: number, body?: string): Promise<Reply> {
    const ending = new AbortController()
    let timer: NodeJS.Timeout | undefined
    // A timer that keeps the thread alive, which that of AbortSignal.timeout does not: where a connection ends before its
    // request is sent fetch waits for nothing that would, and the thread would end, its request never settled.
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new Error(`no answer within ${timeoutMs} ms`))
        ending.abort()
      }, timeoutMs)
    })
    try {
      return await Promise.race([this.#send(method, path, ending.signal, body), late])
    } finally {
      clearTimeout(timer)
    }
  }

  async #send(method: string, path: string, signal: AbortSignal, body?: string): Promise<Reply> {
    const { url, apiKey, ca } = this.#input
    const headers = {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
    }
    if (ca !== undefined)
      return await this.#requestTrusting(path, { method, headers, signal }, body)
    const content = body === undefined ? {} : { body }
    const reply = await fetch(url + path, { method, headers, signal, ...content })
    return { status: reply.status, text: await reply.text() }
  }

  /** What fetch has no word for: whose certificates to trust. */
  #requestTrusting(path: string, options: RequestOptions, body?: string): Promise<Reply> {
    const { url, ca } = this.#input
    const { request } = process.getBuiltinModule('node:https')
    return new Promise((resolve, reject) => {
      const asked = request(
        url + path,
        ca === undefined ? options : { ...options, ca },
        (reply) => {
          let text = ''
          reply.setEncoding('utf8')
          reply.on('data', (chunk: string) => {
            text += chunk
          })
          reply.on('end', () => resolve({ status: reply.statusCode ?? 0, text }))
          reply.on('error', reject)
        },
      )
      asked.on('error', reject)
      asked.end(body)
    })
  }
}
