/**
 * A number that never goes back, seen by many at overlapping times: who began to look after somebody else had seen (or
 * been told) a value must see at least that.
 */
export interface Sight {
  readonly start: number
  readonly end: number
  readonly value: number
  /** Told, not seen: it says what there was, and is not itself held against what others saw. */
  readonly isTold?: boolean
}

export interface StepBack<S extends Sight> {
  readonly sight: S
  /** What was known before it began. */
  readonly known: number
}

export function stepsBack<S extends Sight>(sights: readonly S[]): StepBack<S>[] {
  const ended = [...sights].sort((a, b) => a.end - b.end)
  const steps: StepBack<S>[] = []
  let at = 0
  let known = Number.NEGATIVE_INFINITY
  for (const sight of [...sights].sort((a, b) => a.start - b.start)) {
    for (let next = ended[at]; next !== undefined && next.end < sight.start; next = ended[at]) {
      known = Math.max(known, next.value)
      at += 1
    }
    if (sight.isTold !== true && sight.value < known) steps.push({ sight, known })
  }
  return steps
}
