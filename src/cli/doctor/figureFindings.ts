/** What the figures of two looks at a daemon mean for whoever runs it. */
import { type Finding, ok, problem, type Trouble, warning } from '../../kernel/finding.ts'
import { GiB, MiB } from '../../kernel/units.ts'
import { humanBytes, humanCount, plural } from '../output.ts'
import type { TopFigures } from '../top/figures.ts'
import type { Look } from '../top/look.ts'

export interface Looks {
  readonly before: Look
  readonly now: Look
  /** Between the two. */
  readonly figures: TopFigures
}

export function* figureFindings(looks: Looks): Generator<Finding> {
  const { now, figures } = looks
  yield eventLoopFinding(figures.process.event_loop_lag_seconds)
  yield* diskFindings(now)
  yield* fileFindings(now)
  yield* failureFindings(now)
  yield deadLetterFinding(looks)
  yield leaseFinding(looks)
  yield groupFinding(figures)
}

const LAG_SECONDS = { warning: 0.1, problem: 1 }

function eventLoopFinding(seconds: number): Finding {
  const check = 'event loop'
  const trouble = {
    message: `timers run ${seconds.toFixed(2)} s late (99th percentile of the last 15 s)`,
    advice:
      'look at its CPU (`goqueue top`): a full core needs less work or a faster machine, ' +
      'an idle one that lags was paused or swaps',
  }
  if (seconds >= LAG_SECONDS.problem) return problem(check, trouble)
  if (seconds >= LAG_SECONDS.warning) return warning(check, trouble)
  return ok(check, `timers run ${(seconds * 1000).toFixed(0)} ms late at most`)
}

const DISK = { full: 64 * MiB, low: 1 * GiB, lowShare: 0.1 }

function* diskFindings({ samples }: Look): Generator<Finding> {
  const free = samples.value('goqueue_disk_free_bytes')
  const size = samples.value('goqueue_disk_size_bytes')
  if (free === undefined || size === undefined || size === 0) return
  const message = `${humanBytes(free)} free, ${Math.round((free / size) * 100)} % of the disk`
  const advice =
    'make room, or shorten the retention of the largest topics: `goqueue topic configure`'
  if (free < DISK.full) yield problem('broker disk', { message, advice })
  else if (free < DISK.low || free / size < DISK.lowShare) {
    yield warning('broker disk', { message, advice })
  } else yield ok('broker disk', message)
}

const FILES = { share: 0.8, limitMin: 4_096 }

function* fileFindings({ samples }: Look): Generator<Finding> {
  const open = samples.value('process_open_fds')
  const limit = samples.value('process_max_fds')
  // Not every system says.
  if (open === undefined || limit === undefined || limit === 0) return
  const message = `${humanCount(open)} open of at most ${humanCount(limit)}`
  const advice = 'raise the limit: `ulimit -n 65536`, or LimitNOFILE in the unit'
  if (open > limit * FILES.share) yield problem('open files', { message, advice })
  else if (limit < FILES.limitMin) yield warning('open files', { message, advice })
  else yield ok('open files', message)
}

/** What should be nothing: by metric, how bad it is and what to do. */
const FAILURES: Readonly<
  Record<
    string,
    readonly [check: string, status: 'warning' | 'problem', what: string, advice: string]
  >
> = {
  goqueue_log_sync_failures_total: [
    'syncs',
    'problem',
    'syncs failed since the start: their partitions take no more writes',
    'check the disk (dmesg, smartctl), then restart the broker',
  ],
  goqueue_log_write_failures_total: [
    'writes',
    'warning',
    'writes were refused by the disk since the start',
    'see that there is room, and look at the log for their reason',
  ],
  goqueue_snapshot_failures_total: [
    'snapshots',
    'warning',
    'snapshots could not be written since the start: journals grow',
    'see that there is room and that the data directory can be written',
  ],
  goqueue_retention_skipped_total: [
    'retention',
    'warning',
    'messages were removed since the start before their group had read them',
    'lengthen the retention of the topic, or give the group more members; the log names both',
  ],
}

function* failureFindings({ samples }: Look): Generator<Finding> {
  for (const [metric, [check, status, what, advice]] of Object.entries(FAILURES)) {
    const count = samples.sum(metric)
    const trouble: Trouble = { message: `${humanCount(count)} ${what}`, advice }
    if (count === 0) yield ok(check, 'none went wrong')
    else yield status === 'problem' ? problem(check, trouble) : warning(check, trouble)
  }
}

function deadLetterFinding({ before, now, figures }: Looks): Finding {
  const check = 'dead letters'
  const count = figures.deliveries.dead_letters
  if (count === 0) return ok(check, 'none')
  const buried = (look: Look): number => look.samples.sum('goqueue_dead_letters_total')
  const growing = buried(now) > buried(before) ? ', and more right now' : ''
  return warning(check, {
    message: `${plural(count, 'message')} that nobody has brought back${growing}`,
    advice: '`goqueue dlq list <topic>` says why; `goqueue dlq redrive <topic>` brings them back',
    details: figures.topics
      .filter(({ topic, messages }) => topic.endsWith('.dlq') && messages > 0)
      .map(({ topic, messages }) => `${topic}: ${humanCount(messages)} in all`),
  })
}

const EXPIRED_SHARE = 0.05

function leaseFinding({ before, now }: Looks): Finding {
  const check = 'leases'
  const of = (look: Look, name: string): number => look.samples.sum(name)
  const expired = of(now, 'goqueue_leases_expired_total')
  const handedOut = of(now, 'goqueue_deliveries_total')
  const isGrowing = expired > of(before, 'goqueue_leases_expired_total')
  const share = handedOut === 0 ? 0 : expired / handedOut
  if (!isGrowing && share <= EXPIRED_SHARE)
    return ok(check, 'they end by an answer, not by their time')
  return warning(check, {
    message:
      `${humanCount(expired)} of ${humanCount(handedOut)} hand-outs ended by their time` +
      (isGrowing ? ', some right now' : ''),
    advice:
      'workers die or take longer than they may: extend the lease while they work, ' +
      'or raise visibility-timeout',
  })
}

function groupFinding({ groups }: TopFigures): Finding {
  const check = 'groups'
  const left = groups.filter(({ members, lag }) => members === 0 && lag > 0)
  if (left.length === 0) return ok(check, `${plural(groups.length, 'group')}, none without members`)
  return warning(check, {
    message: `${plural(left.length, 'group')} with messages to read and without members`,
    advice: 'start their members, or `goqueue group delete <group>` where they are of no use',
    details: left.map(({ group, lag }) => `${group}: ${humanCount(lag)} behind`),
  })
}
