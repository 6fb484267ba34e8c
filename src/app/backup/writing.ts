/** A backup as bytes: the files of one moment, one after the other, each chunk as it is asked for. */
import { VERSION } from '../../kernel/version.ts'
import type { Capture, CapturedFile } from '../../log/index.ts'
import { continueCrc32c } from '../../record/index.ts'
import {
  ABOUT_NAME,
  type About,
  BACKUP_VERSION,
  jsonFile,
  MANIFEST_NAME,
  type ManifestFile,
  manifestFile,
} from './manifest.ts'
import { END, headerOf, padding } from './tar.ts'

export interface BackupStream {
  /** Of all chunks together. */
  readonly sizeBytes: number
  /** To be run through once. */
  readonly chunks: AsyncIterable<Buffer>
  /** To be called in any case, also where the chunks were never asked for; a second call does nothing. */
  release(): Promise<void>
}

/** `createdMs`: the time of the capture, which is released with the stream. */
export function writeBackup(capture: Capture, createdMs: number): BackupStream {
  const created = new Date(createdMs).toISOString()
  const about: About = { backup: BACKUP_VERSION, version: VERSION, created }
  const { files } = capture
  const unread = files.map((file) => manifestFile(file, 0))
  const sizes = [
    whole(ABOUT_NAME, jsonFile(about), createdMs).length,
    ...files.map(sizeInTar),
    whole(MANIFEST_NAME, jsonFile({ ...about, files: unread }), createdMs).length,
    END.length,
  ]
  const sizeBytes = sizes.reduce((sum, size) => sum + size, 0)
  return {
    ...{ sizeBytes, chunks: chunksOf(capture, about, createdMs) },
    release: () => capture.release(),
  }
}

async function* chunksOf(
  capture: Capture,
  about: About,
  createdMs: number,
): AsyncGenerator<Buffer> {
  yield whole(ABOUT_NAME, jsonFile(about), createdMs)
  const files: ManifestFile[] = []
  for (const file of capture.files) {
    yield headerOf(file, createdMs)
    let crc = 0
    for await (const chunk of capture.read(file)) {
      crc = continueCrc32c(crc, chunk)
      yield chunk
    }
    files.push(manifestFile(file, crc))
    const rest = padding(file.sizeBytes)
    if (rest.length > 0) yield rest
  }
  yield whole(MANIFEST_NAME, jsonFile({ ...about, files }), createdMs)
  yield END
}

/** Header, content and padding of a small file. */
function whole(name: string, content: Buffer, modifiedMs: number): Buffer {
  const sizeBytes = content.length
  return Buffer.concat([headerOf({ name, sizeBytes }, modifiedMs), content, padding(sizeBytes)])
}

const sizeInTar = (file: CapturedFile): number =>
  headerOf(file, 0).length + file.sizeBytes + padding(file.sizeBytes).length
