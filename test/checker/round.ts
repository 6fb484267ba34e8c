/**
 * One round: a new broker on an empty directory, clients of some features at work, one fault that strikes again and
 * again; then all is made well, brought to rest, read, and the history is held against the promises.
 */
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { SeededRandom } from '../support/random.ts'
import type { BrokerProcess } from './brokers/broker.ts'
import type { BuiltBroker } from './brokers/build.ts'
import { DaemonProcess } from './brokers/daemon.ts'
import { Relay } from './brokers/relay.ts'
import { SimulatedProcess } from './brokers/simulated.ts'
import type { Finding, Terms } from './check/finding.ts'
import { HttpClient, pause } from './clients/http.ts'
import type { Fault, Target } from './faults/fault.ts'
import { History, now, since } from './history/history.ts'
import { delayWorkload } from './workloads/delay.ts'
import { groupsWorkload } from './workloads/groups.ts'
import { logWorkload } from './workloads/log.ts'
import { priorityWorkload } from './workloads/priority.ts'
import { durableWorkload, queueWorkload } from './workloads/queue.ts'
import type { Feature, WorkContext, Workload } from './workloads/workload.ts'

const WORKLOADS: Readonly<Record<Feature, (context: WorkContext) => Workload>> = {
  log: logWorkload,
  groups: groupsWorkload,
  queue: queueWorkload,
  durable: durableWorkload,
  delay: delayWorkload,
  priority: priorityWorkload,
}

export interface RoundPlan {
  readonly built: BuiltBroker
  readonly features: readonly Feature[]
  readonly fault: Fault
  readonly seed: number
  /** How long clients work, in milliseconds. */
  readonly workMs: number
  /** Takes the data, the broker's log and the histories. */
  readonly directory: string
}

export interface FeatureResult {
  readonly operations: number
  /** Those of them that were answered. */
  readonly answered: number
  readonly findings: readonly Finding[]
  /** Where the history lies, if it was kept. */
  readonly historyPath: string
}

export interface RoundResult {
  readonly features: ReadonlyMap<Feature, FeatureResult>
  readonly strikes: number
  /** What kept the round from its end, such as a broker that does not start again. */
  readonly problem?: string
}

/** Never rejects: what goes wrong is a result too. Directory and histories stay where there is something to look at. */
export async function runRound(plan: RoundPlan): Promise<RoundResult> {
  await mkdir(plan.directory, { recursive: true })
  const round = new Round(plan, await Relay.start(new SeededRandom(plan.seed ^ 0x0bad_cafe)))
  const problem = await round.run().then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? (error.stack ?? error.message) : String(error)),
  )
  const features = await round.judge(problem)
  const isClean = problem === undefined && [...features.values()].every(isWithoutFindings)
  if (isClean) await rm(plan.directory, { recursive: true, force: true })
  const { strikes } = round
  return problem === undefined ? { features, strikes } : { features, strikes, problem }
}

const isWithoutFindings = ({ findings }: FeatureResult): boolean => findings.length === 0

/** How long clients may take to stop, and a broker to come to rest, in milliseconds. */
const STOP_MS_MAX = 90_000

class Round {
  strikes = 0
  readonly #plan: RoundPlan
  readonly #relay: Relay
  readonly #broker: BrokerProcess
  readonly #random: SeededRandom
  readonly #histories = new Map<Feature, History>()
  readonly #workloads = new Map<Feature, Workload>()
  readonly #losses: { start: number; end: number }[] = []
  /** Features that are not done with what they do now. */
  #acting: ReadonlySet<Feature> = new Set()
  #isOver = false
  #death: string | undefined

  constructor(plan: RoundPlan, relay: Relay) {
    this.#plan = plan
    this.#relay = relay
    this.#random = new SeededRandom(plan.seed)
    this.#broker = brokerFor(plan)
    this.#broker.onDeath((how) => {
      this.#death = `the broker ended by itself: ${how}`
    })
  }

  async run(): Promise<void> {
    const { url } = this.#relay
    const http = new HttpClient(url)
    let harming = Promise.resolve()
    try {
      await this.#revive()
      for (const feature of this.#plan.features) {
        const history = new History(join(this.#plan.directory, `${feature}.ndjson`))
        this.#histories.set(feature, history)
        const context = { url, http, history, random: this.#random.fork() }
        const workload = WORKLOADS[feature]({ ...context, isOver: () => this.#isOver })
        this.#workloads.set(feature, workload)
        await workload.prepare()
      }
      const working = this.#each((workload) => workload.run())
      harming = this.#harm()
      await Promise.race([harming, working])
      this.#isOver = true
      await this.#inTime('clients do not stop', working)
      const finishing = this.#each((workload) => workload.finish())
      await this.#inTime('no rest', finishing)
    } finally {
      this.#isOver = true
      // It may be about to start the broker again.
      await harming.catch(() => undefined)
      await http.close()
      await this.#broker.end()
      await this.#relay.close()
    }
  }

  /** What the histories show. */
  async judge(problem: string | undefined): Promise<Map<Feature, FeatureResult>> {
    const { fault } = this.#plan
    const terms: Terms = {
      losable: new Set(fault.loses),
      losses: this.#losses,
      clockSteps: fault.stepsClock === true,
    }
    const results = new Map<Feature, FeatureResult>()
    for (const [feature, history] of this.#histories) {
      const { operations } = history
      // What did not come to its end shows things half done.
      const workload = problem === undefined ? this.#workloads.get(feature) : undefined
      const findings = workload?.check(operations, terms) ?? []
      history.close({ keep: findings.length > 0 || problem !== undefined })
      results.set(feature, {
        operations: operations.length,
        answered: operations.filter(({ outcome }) => outcome !== 'unknown').length,
        findings,
        historyPath: history.path ?? '',
      })
    }
    return results
  }

  async #each(act: (workload: Workload) => Promise<void>): Promise<void> {
    const acting = new Set(this.#workloads.keys())
    this.#acting = acting
    await Promise.all(
      [...this.#workloads].map(async ([feature, workload]) => {
        await act(workload)
        acting.delete(feature)
      }),
    )
  }

  /** Rejects where it takes too long, with the features that were waited for. */
  async #inTime(what: string, work: Promise<void>): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new Error(`${what}: ${[...this.#acting].join(', ')}`)),
        STOP_MS_MAX,
      )
    })
    await Promise.race([work, late]).finally(() => clearTimeout(timer))
  }

  async #revive(): Promise<void> {
    this.#relay.target = await this.#broker.start()
  }

  async #harm(): Promise<void> {
    const { fault, workMs } = this.#plan
    const random = this.#random.fork()
    const { relay, broker } = { relay: this.#relay, broker: this.#broker }
    const target: Target = { relay, broker, random, revive: () => this.#revive() }
    const until = performance.now() + workMs
    while (performance.now() < until && !this.#isOver) {
      await pause(random.between(...fault.restMs))
      if (this.#death !== undefined) throw new Error(this.#death)
      const start = now()
      await fault.strike(target)
      this.strikes += 1
      this.#note(start)
    }
    const start = now()
    await fault.heal?.(target)
    this.#note(start)
  }

  #note(start: ReturnType<typeof now>): void {
    const span = since(start)
    this.#losses.push(span)
    const { name } = this.#plan.fault
    for (const history of this.#histories.values()) {
      history.record({ op: 'fault', client: 'fault', outcome: 'ok', fault: name, ...span })
    }
  }
}

function brokerFor({ built, directory, seed, fault }: RoundPlan): BrokerProcess {
  if (fault.on === 'simulated') return new SimulatedProcess({ built, directory, seed })
  return new DaemonProcess({ built, directory, fakesTime: fault.on === 'faketime' })
}
