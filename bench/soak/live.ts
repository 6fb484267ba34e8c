/** Where a soak stands: a line that is rewritten on a terminal, one a minute in a pipe. */
import { formatNumber } from '../support/format.ts'
import type { Progress } from '../support/progress.ts'
import type { Done } from './load/jobs.ts'
import type { Sample } from './sampling.ts'

const BAR_CHARS = 20
const MINUTE_S = 60

const clock = (seconds: number): string =>
  `${Math.floor(seconds / MINUTE_S)}:${String(Math.floor(seconds % MINUTE_S)).padStart(2, '0')}`

export class Live {
  readonly #progress: Progress
  readonly #isTerminal: boolean
  readonly #totalS: number
  #minute = -1

  constructor(progress: Progress, isTerminal: boolean, totalS: number) {
    this.#progress = progress
    this.#isTerminal = isTerminal
    this.#totalS = totalS
  }

  show(sample: Sample, { counts, problems }: Done): void {
    const minute = Math.floor(sample.at / MINUTE_S)
    if (!this.#isTerminal && minute === this.#minute) return
    this.#minute = minute
    const share = Math.min(1, sample.at / this.#totalS)
    const done = Math.round(share * BAR_CHARS)
    const bar = `${'█'.repeat(done)}${'░'.repeat(BAR_CHARS - done)}`
    const wrong = Object.values(problems).reduce((sum, each) => sum + each, 0)
    const perSecond = counts.published / Math.max(1, sample.at)
    this.#progress.step(
      [
        `${bar} ${clock(sample.at)}/${clock(this.#totalS)}`,
        `${formatNumber(perSecond)}/s`,
        `rss ${formatNumber(sample.rss)} MB`,
        `heap ${formatNumber(sample.heap)} MB`,
        `lag p99 ${formatNumber(sample['loop lag'])} ms`,
        `${sample.files} fds`,
        `${formatNumber(sample.logs)} MB of logs`,
        `${wrong} problems`,
      ].join('  '),
    )
  }
}
