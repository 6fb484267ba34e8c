/**
 * One file to which everything that has gathered is written together: while a write is on its way, what arrives
 * waits, and goes out as one `writev`. Those that ask for the disk wait on for an `fdatasync`, one at a time,
 * shared by all that wait when it begins; writes go on meanwhile.
 *
 * Nothing else: no offsets, no index, no segments, no recovery, no limit on what waits.
 */
import { close, fdatasync, ftruncateSync, openSync, write, writev } from 'node:fs'

interface Waiting {
  readonly bytes: Buffer
  readonly sync: boolean
  readonly done: () => void
}

export class GatheringFile {
  readonly #fd: number
  #gathered: Waiting[] = []
  #writing = false
  #position = 0
  #unsynced: Waiting[] = []
  #syncing = false

  constructor(path: string) {
    this.#fd = openSync(path, 'w')
  }

  /** `done` is called when the bytes are in the page cache, or with `sync` when they are on the disk. */
  append(bytes: Buffer, sync: boolean, done: () => void): void {
    this.#gathered.push({ bytes, sync, done })
    if (!this.#writing) this.#write()
  }

  /** Forgets everything; nothing may be on its way. */
  clear(): void {
    ftruncateSync(this.#fd, 0)
    this.#position = 0
  }

  close(): void {
    close(this.#fd, () => {})
  }

  #write(): void {
    const group = this.#gathered
    this.#gathered = []
    this.#writing = true
    const written = (error: Error | null): void => {
      if (error) throw error
      this.#writing = false
      // What arrived meanwhile goes out before the replies are made, so that disk and processor work side by side.
      if (this.#gathered.length > 0) this.#write()
      for (const each of group) {
        if (each.sync) this.#unsynced.push(each)
        else each.done()
      }
      if (this.#unsynced.length > 0 && !this.#syncing) this.#sync()
    }
    const [first] = group
    const position = this.#position
    for (const each of group) this.#position += each.bytes.length
    if (group.length === 1 && first !== undefined) {
      write(this.#fd, first.bytes, 0, first.bytes.length, position, written)
      return
    }
    writev(
      this.#fd,
      group.map((each) => each.bytes),
      position,
      written,
    )
  }

  #sync(): void {
    const group = this.#unsynced
    this.#unsynced = []
    this.#syncing = true
    fdatasync(this.#fd, (error) => {
      if (error) throw error
      this.#syncing = false
      if (this.#unsynced.length > 0) this.#sync()
      for (const each of group) each.done()
    })
  }
}
