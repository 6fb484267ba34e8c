/**
 * Work at a steady rate. A machine that paused is caught up with, by a second's worth at most: the rest is left out, so
 * that a pause is no storm afterwards.
 */
import type { Part, World } from './world.ts'

const TICK_MS = 20
/** Calls under way at once; beyond it turns are left out and counted so. */
const UNDER_WAY_MAX = 1_000

export interface Pace {
  /** Names it where something goes wrong. */
  readonly name: string
  readonly perSecond: number
  /** One turn; what it rejects with is noted and the pace goes on. */
  readonly work: (turn: number) => unknown
}

/** The first turn is at once. */
export function pace(world: World, { name, perSecond, work }: Pace): Part {
  const startMs = performance.now()
  const underWay = new Set<Promise<void>>()
  let turns = 0
  const once = async (turn: number): Promise<void> => {
    try {
      await work(turn)
    } catch (error) {
      world.problem(name, error)
    }
  }
  const timer = setInterval(() => {
    const due = 1 + Math.floor(((performance.now() - startMs) / 1_000) * perSecond)
    turns = Math.max(turns, due - Math.ceil(perSecond))
    for (; turns < due; turns += 1) {
      if (underWay.size >= UNDER_WAY_MAX) {
        world.count('turns left out', due - turns)
        turns = due
        return
      }
      const call = once(turns)
      underWay.add(call)
      void call.then(() => underWay.delete(call))
    }
  }, TICK_MS)
  return {
    async stop() {
      clearInterval(timer)
      await Promise.all(underWay)
    },
  }
}

/** A steady rate of turns that must not overlap: one that is late is left out. */
export function paceAlone(world: World, { name, perSecond, work }: Pace): Part {
  let isBusy = false
  return pace(world, {
    ...{ name, perSecond },
    work: async (turn) => {
      if (isBusy) return
      isBusy = true
      try {
        await work(turn)
      } finally {
        isBusy = false
      }
    },
  })
}

/** Stops them one after the other. */
export const together = (parts: readonly Part[]): Part => ({
  async stop() {
    for (const part of parts) await part.stop()
  },
})
