/**
 * All of the load: publishers of every kind, whoever reads and works, what comes and goes. It ends in that order, with
 * what was published read, worked off and delivered in between.
 */
import { pause } from '../../support/pause.ts'
import { startChurn } from './churn.ts'
import { LATE_READERS, startLateReading, startScheduling } from './later.ts'
import { together } from './pace.ts'
import { startPublishing } from './publishing.ts'
import { READERS, startReading } from './reading.ts'
import { makeTopics } from './topics.ts'
import { DESK, LEDGER, startWork, startWorkers } from './working.ts'
import type { World } from './world.ts'

export interface Load {
  /** Resolves when everything is stopped; with what is left unread, unsettled or waiting, all 0 where nothing is. */
  stop(drainMs: number): Promise<Leftover>
}

export interface Leftover {
  /** Records that a group has not settled. */
  readonly lag: number
  /** Delayed messages that still wait. */
  readonly delayed: number
}

const LOOK_MS = 250

async function leftover({ client }: World): Promise<Leftover> {
  const groups = [READERS, LATE_READERS, DESK, LEDGER]
  const replies = await Promise.all(groups.map((group) => client.admin.describeGroup(group)))
  const lags = replies.flatMap(({ lag }) => Object.values(lag).flatMap((of) => Object.values(of)))
  const { pending_count } = await client.delayed.stats()
  return { lag: lags.reduce((sum, each) => sum + each, 0), delayed: pending_count }
}

async function drained(world: World, drainMs: number): Promise<Leftover> {
  const untilMs = performance.now() + drainMs
  for (;;) {
    const left = await leftover(world)
    if (left.lag + left.delayed === 0 || performance.now() > untilMs) return left
    await pause(LOOK_MS)
  }
}

export async function startLoad(world: World): Promise<Load> {
  await makeTopics(world)
  const takers = together([startReading(world), startLateReading(world), startWorkers(world)])
  const makers = together([
    startPublishing(world),
    startWork(world),
    startScheduling(world),
    startChurn(world),
  ])
  return {
    async stop(drainMs) {
      await makers.stop()
      const left = await drained(world, drainMs)
      await takers.stop()
      await world.client.close()
      return left
    },
  }
}
