/** The broker of a run, as those who harm it see it: a process, and what can be done to it. */

/** What only a broker on a simulated disk, or under a simulated clock, can be told. */
export type Trick =
  /** The power goes: at once, or in the midst of one of the next operations on the disk. */
  | { readonly trick: 'powerLoss'; readonly withinBoundaries?: number }
  /** So many of the next syncs fail, and no others that were to. */
  | { readonly trick: 'failSyncs'; readonly times: number }
  /** Files may grow by so many bytes; undefined: as much as they like. */
  | { readonly trick: 'room'; readonly bytes?: number | undefined }
  /** What the wall clock is ahead of the machine's, in milliseconds. */
  | { readonly trick: 'clock'; readonly aheadMs: number }

/** What the host of a simulated broker is told. */
export type Told = Trick | { readonly trick: 'start' | 'crash' }

export interface BrokerProcess {
  /** Starts it on what its last life left. Resolves with its port when it takes work. */
  start(): Promise<number>
  /** Resolves when it is gone, to be started again. SIGSTOP and SIGCONT resolve at once. */
  signal(signal: NodeJS.Signals): Promise<void>
  /** Rejects where this one cannot do it. After a power loss it is to be started again. */
  play(trick: Trick): Promise<void>
  /** Called where it ends though nobody asked it to. */
  onDeath(listener: (how: string) => void): void
  /** Resolves when it is gone and has left nothing behind. */
  end(): Promise<void>
}
