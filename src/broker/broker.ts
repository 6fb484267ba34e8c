/**
 * The broker: its rooms, started bottom up and stopped top down, behind one call that passes through interceptors.
 *
 *   call ─▶ measure ─▶ (what the owner adds) ─▶ lifecycle ─▶ overload ─▶ the room's handler
 *
 * A new room is a Service in the list of rooms and a table of handlers; nothing else here knows of it.
 */
import { Delay, type DelayFigures } from '../delay/index.ts'
import { Delivery, type DeliveryFigures, type LaneTotals } from '../delivery/index.ts'
import { Groups, type GroupsMeters } from '../groups/index.ts'
import type { Caller } from '../kernel/caller.ts'
import type { HealthCheck } from '../kernel/health.ts'
import { InFlight } from '../kernel/inFlight.ts'
import type { Platform } from '../kernel/platform.ts'
import type { Service } from '../kernel/service.ts'
import type { LogEngine } from '../log/index.ts'
import { Topics } from '../topics/index.ts'
import { EmbeddedBroker } from './embedding.ts'
import { delayHandlers } from './handlers/delay.ts'
import { ackModeHandlers, deliveryHandlers } from './handlers/delivery.ts'
import { groupHandlers } from './handlers/groups.ts'
import type { Handlers } from './handlers/handler.ts'
import { priorityHandlers } from './handlers/priority.ts'
import { recordHandlers } from './handlers/records.ts'
import { topicHandlers } from './handlers/topics.ts'
import { lifecycle } from './interceptors/lifecycle.ts'
import { type CallObserver, measure } from './interceptors/measure.ts'
import { overload, PublishGate } from './interceptors/overload.ts'
import {
  type BrokerStatus,
  type Call,
  compose,
  type Dispatch,
  type Interceptor,
  type OperationName,
  type Operations,
} from './operations.ts'
import { type BrokerSettings, DEFAULT_BROKER_SETTINGS } from './settings.ts'

export interface BrokerOptions {
  /** Open, or opened by its first use; the broker closes it when it stops. */
  readonly engine: LogEngine
  readonly platform: Platform
  readonly settings?: Partial<BrokerSettings> | undefined
  /** Told of every call that ended. */
  readonly onCall?: CallObserver | undefined
  /** Around every call, the first outermost. */
  readonly interceptors?: readonly Interceptor[] | undefined
}

/** What is going on right now, for gauges. */
export interface BrokerLoad {
  readonly callsInFlight: number
  readonly publishesInFlight: number
  readonly publishBytesInFlight: number
  /** Long polls that wait. */
  readonly waiters: number
}

/** Consumer groups in figures; the meters count since the start. */
export interface GroupFigures extends Readonly<GroupsMeters> {
  readonly groups: number
  readonly members: number
}

export class Broker extends EmbeddedBroker {
  readonly settings: BrokerSettings
  readonly #engine: LogEngine
  readonly #platform: Platform
  readonly #topics: Topics
  readonly #groups: Groups
  readonly #delivery: Delivery
  readonly #delay: Delay
  readonly #dispatch: Dispatch
  readonly #inFlight = new InFlight()
  readonly #publishes: PublishGate
  #state: BrokerStatus['state'] = 'starting'
  #readyAtMs: number | undefined
  readonly #recoveryMs = new Map<string, number>()

  constructor({ engine, platform, settings, onCall, interceptors = [] }: BrokerOptions) {
    super()
    this.settings = { ...DEFAULT_BROKER_SETTINGS, ...settings }
    this.#engine = engine
    this.#platform = platform
    this.#topics = new Topics({ engine, platform, settings: this.settings.topics })
    this.#groups = new Groups({
      engine,
      platform,
      topics: this.#topics,
      settings: this.settings.groups,
    })
    this.#delivery = new Delivery({
      engine,
      platform,
      topics: this.#topics,
      groups: this.#groups,
      settings: this.settings.delivery,
    })
    this.#delay = new Delay({
      engine,
      platform,
      topics: this.#topics,
      settings: this.settings.delay,
    })
    const groupsTable = groupHandlers(this.#groups, this.#topics)
    this.#publishes = new PublishGate(this.settings.publishesMax, this.settings.publishBytesMax)
    this.#dispatch = compose(
      dispatcher({
        ...topicHandlers(this.#topics),
        ...recordHandlers({ topics: this.#topics, delay: this.#delay, clock: platform.clock }),
        ...delayHandlers(this.#delay, this.#topics),
        ...priorityHandlers(this.#delivery),
        ...groupsTable,
        ...ackModeHandlers(this.#delivery, this.#groups, groupsTable),
        ...deliveryHandlers(this.#delivery),
      }),
      ...(onCall ? [measure(platform.clock, onCall)] : []),
      ...interceptors,
      lifecycle(() => this.#state, this.#inFlight),
      overload(this.#publishes),
    )
  }

  /** Rejects with what the operation rejects with; RECOVERING before the broker is ready, SHUTTING_DOWN once it stops. */
  override call<N extends OperationName>(
    name: N,
    input: Operations[N]['input'],
    caller: Caller,
  ): Promise<Operations[N]['output']> {
    const call = { name, input, caller } as Call
    return this.#dispatch(call) as Promise<Operations[N]['output']>
  }

  override status(): BrokerStatus {
    const nowMs = this.#platform.clock.monotonicMs()
    return {
      nodeId: this.settings.nodeId,
      uptimeMs: this.#readyAtMs === undefined ? 0 : nowMs - this.#readyAtMs,
      topicCount: this.#topics.count,
      totalSizeBytes: this.#topics.totalSizeBytes(),
      state: this.#state,
      problems: this.#topics.problems(),
    }
  }

  /** `fail` in any of them: the broker does not serve. `warn`: a part of it does not. */
  health(): readonly HealthCheck[] {
    const status = this.#state === 'running' ? 'pass' : 'fail'
    return [
      { name: 'broker', status, message: this.#state },
      ...this.#topics.health(),
      this.#groups.health(),
      ...this.#delivery.health(),
      this.#delay.health(),
    ]
  }

  load(): BrokerLoad {
    return {
      callsInFlight: this.#inFlight.count,
      publishesInFlight: this.#publishes.requests,
      publishBytesInFlight: this.#publishes.bytes,
      waiters: this.#topics.waiterCount + this.#delivery.waiterCount,
    }
  }

  groupFigures(): GroupFigures {
    const { count, memberCount, meters } = this.#groups
    const { retentionSkipped } = this.#delivery.totals
    return {
      ...meters,
      retentionSkipped: meters.retentionSkipped + retentionSkipped,
      groups: count,
      members: memberCount,
    }
  }

  deliveryFigures(): DeliveryFigures {
    return this.#delivery.figures()
  }

  laneTotals(): LaneTotals {
    return this.#delivery.laneTotals()
  }

  /** Records that retention removed, and partitions in which it failed, since the start. */
  retentionFigures(): { readonly removedRecords: number; readonly failures: number } {
    return this.#topics.retentionMeters
  }

  /** Milliseconds that each room took to be ready; empty before the first one is. */
  recoveryMs(): ReadonlyMap<string, number> {
    return this.#recoveryMs
  }

  delayFigures(): DelayFigures {
    return this.#delay.figures()
  }

  /** One retention run over all partitions, beside those of the timer. Never rejects. */
  async runRetention(): Promise<void> {
    await this.#topics.runRetention()
  }

  /** Resolves when everything is replayed and open; a partition that would not open is named by {@link health}. */
  protected override async onStart(): Promise<void> {
    await this.#startRoom('topics', this.#topics)
    await this.#startRoom('groups', this.#groups)
    await this.#startRoom('delivery', this.#delivery)
    await this.#startRoom('delay', this.#delay)
    this.#readyAtMs = this.#platform.clock.monotonicMs()
    this.#state = 'running'
  }

  /** Refuses new calls, answers the long polls, lets the rest finish, then closes rooms and engine. */
  protected override async onStop(): Promise<void> {
    this.#state = 'stopping'
    this.#topics.releaseWaiters()
    this.#delivery.releaseWaiters()
    await this.#drained()
    try {
      await this.#delay.stop()
      await this.#delivery.stop()
      await this.#groups.stop()
      await this.#topics.stop()
    } finally {
      await this.#engine.close()
      this.#state = 'stopped'
    }
  }

  async #startRoom(name: string, room: Service): Promise<void> {
    const { clock } = this.#platform
    const begunMs = clock.monotonicMs()
    await room.start()
    this.#recoveryMs.set(name, clock.monotonicMs() - begunMs)
  }

  async #drained(): Promise<void> {
    const { clock, logger } = this.#platform
    if (await this.#inFlight.idleWithin(clock, this.settings.drainTimeoutMs)) return
    logger.warn({ callsInFlight: this.#inFlight.count }, 'stopping while calls are under way')
  }
}

/** One handler for each operation; the table's type keeps name and input together. */
function dispatcher(handlers: Handlers): Dispatch {
  const run = <N extends OperationName>({ name, input, caller }: Call<N>): Promise<unknown> =>
    handlers[name](input, caller)
  return run
}
