const HANG_MS = 20_000

export async function turns(count: number): Promise<void> {
  for (let left = count; left > 0; left -= 1) {
    await new Promise<void>((resolve) => setImmediate(resolve))
  }
}

/** The same promise, but one that never settles is told apart from one that is slow. */
export async function unlessItHangs<T>(work: Promise<T>): Promise<T> {
  let watch: NodeJS.Timeout | undefined
  const hanging = new Promise<never>((_, reject) => {
    watch = setTimeout(() => reject(new Error('NothingHangs: no progress')), HANG_MS)
  })
  try {
    return await Promise.race([work, hanging])
  } finally {
    clearTimeout(watch)
  }
}
