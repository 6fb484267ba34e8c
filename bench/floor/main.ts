/**
 * The floor servers' process: `main.js http <directory> [--tail]` or
 * `main.js read <raw records> <json messages> <value bytes>`. Says where it listens and serves until it is stopped.
 */
import { type FloorHttpOptions, makeFloorHttp } from './http.ts'
import { makeFloorRead } from './read.ts'

const [kind, ...args] = process.argv.slice(2)

function make() {
  if (kind === 'read') {
    const [rawRecords, jsonMessages, valueBytes] = args.map(Number)
    return makeFloorRead({
      rawRecords: rawRecords ?? 1_000,
      jsonMessages: jsonMessages ?? 1_000,
      valueBytes: valueBytes ?? 100,
    })
  }
  const options: FloorHttpOptions = {
    directory: args[0] ?? '.',
    keepTail: args.includes('--tail'),
  }
  return makeFloorHttp(options)
}

const server = make()
process.on('SIGTERM', () => process.exit(0))
process.stdout.write(`listening on ${await server.listen({ port: 0, host: '127.0.0.1' })}\n`)
