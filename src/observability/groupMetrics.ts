/** What the group coordinator counts, shown when the metrics are scraped. */
import { Gauge, type Registry } from 'prom-client'
import { type FigureTable, figureCounters, figureGauges } from './figureMetrics.ts'

export interface GroupFigures {
  readonly groups: number
  readonly members: number
  /** These four since the start. */
  readonly rebalances: number
  readonly evictions: number
  readonly commits: number
  readonly retentionSkipped: number
}

/** How far a group is behind in one topic. */
export interface GroupLag {
  readonly group: string
  readonly topic: string
  /** Messages that it has not read or, in ack mode, not settled. */
  readonly messages: number
  /** Of the group. */
  readonly members: number
}

/** A scrape of more series would cost more than it tells: the lag of what comes later in the alphabet is left out. */
export const LAG_SERIES_MAX = 1_000

const GROUP_GAUGES: FigureTable<keyof GroupFigures> = {
  goqueue_groups: ['Consumer groups.', 'groups'],
  goqueue_group_members: ['Members of all groups.', 'members'],
}
const GROUP_COUNTERS: FigureTable<keyof GroupFigures> = {
  goqueue_group_rebalances_total: ['Generations begun in all groups.', 'rebalances'],
  goqueue_group_evictions_total: ['Members that were silent for too long.', 'evictions'],
  goqueue_group_commits_total: ['Commits of offsets in all groups.', 'commits'],
  goqueue_retention_skipped_total: [
    'Records that retention took before their group had read them.',
    'retentionSkipped',
  ],
}

/** Returns how to bring lag and members of each group up to date. */
export function registerLag(
  registry: Registry,
  lags: () => Promise<readonly GroupLag[]>,
): () => Promise<void> {
  const lag = new Gauge({
    name: 'goqueue_group_lag_messages',
    help: `Messages that a group has not read or, in ack mode, not settled, by topic; the first ${LAG_SERIES_MAX} pairs.`,
    labelNames: ['group', 'topic'],
    registers: [registry],
  })
  const members = new Gauge({
    name: 'goqueue_group_active_members',
    help: 'Members of a group, for the groups whose lag is shown.',
    labelNames: ['group'],
    registers: [registry],
  })
  return async () => {
    const current = await lags()
    lag.reset()
    members.reset()
    for (const each of current) {
      const { group, topic } = each
      lag.set({ group, topic }, each.messages)
      members.set({ group }, each.members)
    }
  }
}

/** Returns how to bring them up to date. */
export function registerGroups(registry: Registry, figures: () => GroupFigures): () => void {
  const showGauges = figureGauges(registry, GROUP_GAUGES)
  const showCounters = figureCounters(registry, GROUP_COUNTERS)
  return () => {
    const series = [[{}, figures()]] as const
    showGauges(series)
    showCounters(series)
  }
}
