/** What is published: from a file, or made up. */
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { DataError } from '../support/command.ts'
import type { Workload } from './file.ts'

/** How the publishing process makes its values. */
export type Payload =
  | { readonly kind: 'file'; readonly path: string }
  | {
      readonly kind: 'random'
      readonly pool: number
      readonly bytes: number
      /** The rest is zeros. */
      readonly randomShare: number
    }

export interface ChosenPayload {
  readonly payload: Payload
  readonly notes: readonly string[]
}

/** In those workload files a path counts from the folder above the file's own, where the benchmark is started. */
function findFile(named: string, workloadPath: string): string | undefined {
  const folder = dirname(resolve(workloadPath))
  const places = [resolve(dirname(folder), named), resolve(folder, named), resolve(named)]
  return places.find(existsSync)
}

/** Throws a DataError where a payload file has another size than the workload says. */
export function choosePayload(workload: Workload, workloadPath: string): ChosenPayload {
  const { messageSize: bytes, payloadFile, useRandomizedPayloads } = workload
  if (useRandomizedPayloads) {
    const { randomizedPayloadPoolSize: pool, randomBytesRatio: randomShare } = workload
    return { payload: { kind: 'random', pool, bytes, randomShare }, notes: [] }
  }
  const madeUp: Payload = { kind: 'random', pool: 1, bytes, randomShare: 1 }
  if (payloadFile === undefined) return { payload: madeUp, notes: [] }
  const path = findFile(payloadFile, workloadPath)
  if (path === undefined) {
    const note = `${payloadFile} is not there: ${bytes} random bytes instead`
    return { payload: madeUp, notes: [note] }
  }
  const { length } = readFileSync(path)
  if (length === bytes) return { payload: { kind: 'file', path }, notes: [] }
  throw new DataError(`${path} has ${length} bytes, messageSize says ${bytes}`)
}

export function valuesOf(payload: Payload): readonly Buffer[] {
  if (payload.kind === 'file') return [readFileSync(payload.path)]
  const { pool, bytes, randomShare } = payload
  const random = Math.floor(bytes * randomShare)
  return Array.from({ length: pool }, () => {
    const value = Buffer.alloc(bytes)
    randomBytes(random).copy(value)
    return value
  })
}
