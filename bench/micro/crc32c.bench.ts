/** Where the table form of CRC32C ends and the native one begins to pay. */
import { crc32c as native } from '@node-rs/crc32'
import { crc32c, tableCrc32c } from '../../src/record/crc32c.ts'
import { type MicroCases, runIfMain } from '../support/micro.ts'

const SIZES = [28, 124, 256, 400, 1_024, 4_096, 65_536]

const all: Record<string, () => unknown> = {}
for (const size of SIZES) {
  const bytes = Buffer.alloc(size, 'goqueue')
  all[`${size} B, tables`] = () => tableCrc32c(bytes, 0, size)
  all[`${size} B, native`] = () => native(bytes)
  all[`${size} B, as the broker chooses`] = () => crc32c(bytes)
}

export const cases: MicroCases = all
await runIfMain(import.meta.url, 'record/crc32c', cases)
