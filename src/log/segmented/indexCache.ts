/** Bounds the memory of index files that were read: the longest unused is forgotten first. */
export interface Forgettable {
  forget(): void
}

export class IndexCache {
  readonly #budgetBytes: number
  #usedBytes = 0
  readonly #members = new Set<Forgettable>()

  constructor(budgetBytes: number) {
    this.#budgetBytes = budgetBytes
  }

  get usedBytes(): number {
    return this.#usedBytes
  }

  add(member: Forgettable, bytes: number): void {
    this.#members.add(member)
    this.#usedBytes += bytes
    for (const oldest of this.#members) {
      if (this.#usedBytes <= this.#budgetBytes || oldest === member) break
      oldest.forget()
    }
  }

  touch(member: Forgettable): void {
    this.#members.delete(member)
    this.#members.add(member)
  }

  /** To be called by a member that forgets, with the bytes it was added with. */
  remove(member: Forgettable, bytes: number): void {
    if (this.#members.delete(member)) this.#usedBytes -= bytes
  }
}
