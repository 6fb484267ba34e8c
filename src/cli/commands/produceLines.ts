/** Publishing lines: each becomes a message, many are under way at once, and what became of them is told to the end. */
import type { Message, Producer } from '../../client/index.ts'
import { BrokerError } from '../../kernel/errors.ts'
import { EXIT } from '../../kernel/exitCodes.ts'
import { Failure } from '../../kernel/failure.ts'
import { LIMITS } from '../../kernel/limits.ts'
import { SECOND_MS } from '../../kernel/units.ts'
import type { Cli } from '../context.ts'
import { type Line, lineGroups } from '../lines.ts'
import { type LineMessage, lineReader } from '../messageOfLine.ts'
import { Outbox } from '../outbox.ts'
import { startProgress } from '../progress.ts'

export interface LineOptions {
  /** Default: standard input. */
  readonly file?: string | undefined
  readonly keyField?: string | undefined
  readonly valueField?: string | undefined
  readonly priorityField?: string | undefined
}

/** What all messages of a command have in common, where a line does not say otherwise. */
export type Common = Omit<Message, 'value'>

/** How long what is under way is waited for after Ctrl-C. */
const INTERRUPTED_MS = 5 * SECOND_MS

export interface LineTarget {
  readonly producer: Producer
  readonly common: Common
  /** Of the topic. */
  readonly recordBytesMax: number
}

/** Resolves when every line was acknowledged; whatever ends it before that, says how many were. */
export async function produceLines(
  cli: Cli,
  { file, keyField, valueField, priorityField }: LineOptions,
  { producer, common, recordBytesMax }: LineTarget,
): Promise<Outbox> {
  const source = file === undefined ? standardInput(cli) : await openFile(file)
  const read = lineReader({ key: keyField, value: valueField, priority: priorityField })
  const progress = startProgress(cli.io, source.sizeBytes)
  const show = (): void => progress.update(outbox.acknowledgedBytes, outbox.acknowledged)
  const outbox: Outbox = new Outbox(producer, { onQuiet: show, onFailed: () => source.stop() })
  const stopSaying = sayWhereStalled(cli, outbox)
  // A broker that is away is not waited for any longer by who was told to stop.
  const giveUp = (): void => void producer.close({ timeoutMs: INTERRUPTED_MS })
  cli.interrupted.addEventListener('abort', giveUp, { once: true })
  try {
    await sendLines(cli, source, (line) => {
      const message = messageOf(common, read(line))
      if (line.bytes.length > recordBytesMax) checkSize(message, line, recordBytesMax)
      const bytes = line.bytes.length + 1
      if (outbox.hasRoom(bytes)) return outbox.add(message, bytes, line.number)
      show()
      return outbox.room(bytes).then(() => outbox.add(message, bytes, line.number))
    })
    await outbox.settled()
  } catch (error) {
    // What was sent is waited for: only then it is known what became of it. A failure of it says more.
    const failure = await outbox.settled().then(
      () => error,
      (reason: unknown) => reason,
    )
    stopSaying()
    progress.stop()
    cli.io.stderr.write(`${outbox.account}\n`)
    if (cli.interrupted.aborted) throw new Failure(EXIT.INTERRUPTED, 'interrupted')
    throw failure instanceof RangeError ? new Failure(EXIT.DATA, failure.message) : failure
  }
  stopSaying()
  progress.stop()
  return outbox
}

const STALLED_MS = 5 * SECOND_MS

/** Tells people that nothing was acknowledged for a while: the producer tries again in silence. Returns how to stop. */
function sayWhereStalled({ io }: Cli, outbox: Outbox): () => void {
  let before = -1
  const timer = setInterval(() => {
    const { acknowledged, isQuiet } = outbox
    if (!isQuiet && acknowledged === before) {
      io.stderr.write('no answer from the broker for a while; trying again\n')
    }
    before = isQuiet ? -1 : acknowledged
  }, STALLED_MS)
  return () => clearInterval(timer)
}

/** What the line says wins. Field by field: with `...` a line cost nearly twice as much. */
const messageOf = (common: Common, line: LineMessage): Message => ({
  topic: common.topic,
  key: line.key ?? common.key,
  value: line.value,
  partition: common.partition,
  priority: line.priority ?? common.priority,
  headers: common.headers,
  delayMs: common.delayMs,
  deliverAt: common.deliverAt,
})

/** The broker would refuse the whole batch for it; what stands before it is not to suffer. */
function checkSize({ key = '', value }: Message, { number }: Line, recordBytesMax: number): void {
  const bytes = Buffer.byteLength(key) + Buffer.byteLength(value ?? '')
  if (bytes <= recordBytesMax) return
  const message = `line ${number}: ${bytes} bytes, a record of the topic has at most ${recordBytesMax}`
  throw new BrokerError('RECORD_TOO_LARGE', message)
}

async function sendLines(
  { interrupted }: Cli,
  { chunks }: LineSource,
  send: (line: Line) => Promise<void> | void,
): Promise<void> {
  for await (const lines of lineGroups(chunks, LIMITS.recordBytesMax)) {
    for (const line of lines) {
      if (interrupted.aborted) throw new Failure(EXIT.INTERRUPTED, 'interrupted')
      const waiting = send(line)
      if (waiting !== undefined) await waiting
    }
  }
}

interface LineSource {
  readonly chunks: AsyncIterable<Uint8Array>
  readonly sizeBytes: number | undefined
  /** Ends the wait for more of it. */
  stop(): void
}

function standardInput({ io, interrupted }: Cli): LineSource {
  if (io.stdin.isTTY) io.stderr.write('each line becomes a message; Ctrl-D ends the input\n')
  const stop = (): void => void io.stdin.destroy()
  interrupted.addEventListener('abort', stop, { once: true })
  return { chunks: io.stdin, sizeBytes: undefined, stop }
}

async function openFile(path: string): Promise<LineSource> {
  const { readFileChunks } = await import('../../app/index.ts')
  return { ...(await readFileChunks(path)), stop: () => undefined }
}
