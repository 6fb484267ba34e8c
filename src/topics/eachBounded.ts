/** Runs `work` for each item, at most `concurrency` at a time. Rejects with the first failure, once all that began has ended. */
export async function eachBounded<T>(
  items: Iterable<T>,
  concurrency: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const rest = items[Symbol.iterator]()
  const failures: unknown[] = []
  const runner = async (): Promise<void> => {
    for (let next = rest.next(); !next.done; next = rest.next()) {
      if (failures.length > 0) return
      try {
        await work(next.value)
      } catch (error) {
        failures.push(error)
      }
    }
  }
  await Promise.all(Array.from({ length: concurrency }, runner))
  if (failures.length > 0) throw failures[0]
}
