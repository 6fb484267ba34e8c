/** A backup as bytes: the files of one moment, one after the other, each chunk as it is asked for. */
import { VERSION } from '../../kernel/version.ts'
import type { Capture } from '../../log/index.ts'
import { continueCrc32c } from '../../record/index.ts'
import {
  ABOUT_NAME,
  type About,
  BACKUP_VERSION,
  jsonFile,
  MANIFEST_NAME,
  type Manifest,
  type ManifestFile,
  manifestFile,
} from './manifest.ts'
import { type TarFile, tarBytes, writeTar } from './tar.ts'

export interface BackupStream {
  /** Of all chunks together. */
  readonly sizeBytes: number
  /** To be run through once. */
  readonly chunks: AsyncIterable<Buffer>
  /** To be called in any case, also where the chunks were never asked for; a second call does nothing. */
  release(): Promise<void>
}

/** `createdMs`: the time of the capture, which is released with the stream. */
export async function writeBackup(capture: Capture, createdMs: number): Promise<BackupStream> {
  const created = new Date(createdMs).toISOString()
  const about: About = { backup: BACKUP_VERSION, version: VERSION, created }
  const unread = capture.files.map((file) => manifestFile(file, 0))
  const sizeBytes = await tarBytes([
    jsonOf(ABOUT_NAME, about),
    ...capture.files,
    jsonOf(MANIFEST_NAME, { ...about, files: unread }),
  ])
  return {
    sizeBytes,
    chunks: writeTar(filesOf(capture, about), createdMs),
    release: () => capture.release(),
  }
}

async function* filesOf(capture: Capture, about: About): AsyncGenerator<TarFile> {
  yield jsonOf(ABOUT_NAME, about)
  const files: ManifestFile[] = []
  for (const file of capture.files) {
    const { name, sizeBytes } = file
    const content = async function* (): AsyncGenerator<Buffer> {
      let crc = 0
      for await (const chunk of capture.read(file)) {
        crc = continueCrc32c(crc, chunk)
        yield chunk
      }
      files.push(manifestFile(file, crc))
    }
    yield { name, sizeBytes, content: content() }
  }
  yield jsonOf(MANIFEST_NAME, { ...about, files })
}

function jsonOf(name: string, value: About | Manifest): TarFile {
  const content = jsonFile(value)
  return { name, sizeBytes: content.length, content: [content] }
}
