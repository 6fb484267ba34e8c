/** For harness and load: where time itself is made (a rate, a turn), and between looks at a process that tells nobody. */
export const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => void setTimeout(resolve, Math.max(0, ms)))
