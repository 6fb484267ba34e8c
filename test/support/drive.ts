import type { FakeClock } from './fakeClock.ts'

/** Lets everything happen that can happen without time passing. */
export const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

/** Lets time pass, `stepMs` at a time, until `promise` settles; a fake hour at most. */
export async function drive<T>(clock: FakeClock, promise: Promise<T>, stepMs = 1): Promise<T> {
  let isSettled = false
  const settled = (): void => {
    isSettled = true
  }
  promise.then(settled, settled)
  await turn()
  for (let passedMs = 0; !isSettled && passedMs < 3_600_000; passedMs += stepMs) {
    clock.advance(stepMs)
    await turn()
  }
  if (!isSettled) throw new Error('nothing came of it within an hour of fake time')
  return await promise
}
