const HEAD_END = '\r\n\r\n'

/** Cuts a stream of HTTP/1.1 into whole messages. Bodies with a content-length only. */
export class HttpFramer {
  #rest: Buffer = Buffer.alloc(0)

  /** The messages that end in `chunk`. */
  push(chunk: Buffer): Buffer[] {
    const whole: Buffer[] = []
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    for (;;) {
      const bytes = messageBytes(this.#rest)
      if (bytes === undefined || this.#rest.length < bytes) return whole
      whole.push(this.#rest.subarray(0, bytes))
      this.#rest = this.#rest.subarray(bytes)
    }
  }
}

/** Of the message at the start; undefined where its head is not whole yet. */
function messageBytes(stream: Buffer): number | undefined {
  const headBytes = stream.indexOf(HEAD_END)
  if (headBytes < 0) return undefined
  const head = stream.toString('latin1', 0, headBytes)
  if (/^transfer-encoding:/im.test(head)) throw new Error(`a body without a length: ${head}`)
  const bodyBytes = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0)
  return headBytes + HEAD_END.length + bodyBytes
}
