/**
 * What a feature costs where it does nothing: the share of the processor's time that a profile finds in its lines.
 *
 * Of files that are the feature's own every line counts, of the others those that a pattern finds in the compiled
 * source. Two runs with and without the feature would differ by more than a few percent by chance; the lines of one
 * run do not. What V8 inlines is told apart by V8 itself: time is of the line it was written in.
 */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

interface ProfileNode {
  readonly id: number
  readonly callFrame: { readonly url: string; readonly functionName: string }
  readonly hitCount?: number
  readonly positionTicks?: readonly { readonly line: number; readonly ticks: number }[]
}

export interface CpuProfile {
  readonly nodes: readonly ProfileNode[]
}

export interface Feature {
  /** Of paths. */
  readonly files: RegExp
  /** Of single lines elsewhere, below `within`. */
  readonly lines: RegExp
  readonly within: RegExp
}

/** Time in which nothing ran. The rest is the denominator, the garbage collector included. */
const IDLE = new Set(['(idle)', '(program)', '(root)'])

/** 0 … 1: ticks of the feature's lines among all ticks in which the process was busy. */
export function shareOf(profile: CpuProfile, feature: Feature): number {
  const marked = new MarkedLines(feature.lines)
  let busy = 0
  let own = 0
  for (const { callFrame, hitCount = 0, positionTicks = [] } of profile.nodes) {
    if (IDLE.has(callFrame.functionName)) continue
    busy += hitCount
    if (feature.files.test(callFrame.url)) own += hitCount
    else if (feature.within.test(callFrame.url)) {
      for (const { line, ticks } of positionTicks) {
        if (marked.has(callFrame.url, line)) own += ticks
      }
    }
  }
  if (busy === 0) throw new Error('the profile is empty')
  return own / busy
}

class MarkedLines {
  readonly #pattern: RegExp
  readonly #files = new Map<string, readonly boolean[]>()

  constructor(pattern: RegExp) {
    this.#pattern = pattern
  }

  /** Lines count from 1. */
  has(url: string, line: number): boolean {
    let marks = this.#files.get(url)
    if (marks === undefined) {
      const lines = readFileSync(fileURLToPath(url), 'utf8').split('\n')
      marks = lines.map((text) => this.#pattern.test(text))
      this.#files.set(url, marks)
    }
    return marks[line - 1] ?? false
  }
}
