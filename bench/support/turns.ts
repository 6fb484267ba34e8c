/** Runs one scenario: floor and ours in turns, so that what the machine does meanwhile meets both alike. */
import { BenchContext } from './context.ts'
import { formatNumber } from './format.ts'
import type { Progress } from './progress.ts'
import { judge, type ScenarioResult, type SideResult, summarize } from './result.ts'
import type { Sample, Scenario } from './scenario.ts'
import type { Settings } from './settings.ts'

export interface RunOptions {
  readonly settings: Settings
  readonly progress: Progress
  readonly profileDirectory: string | undefined
}

interface Turns {
  readonly floor: Sample[]
  readonly ours: Sample[]
}

const shown = (sample: Sample, scenario: Scenario): string => {
  const figures = Object.entries(sample.values).map(
    ([metric, value]) => `${metric} ${formatNumber(value)}`,
  )
  return `${figures.join(', ')} ${scenario.unit}`
}

async function takeTurns(scenario: Scenario, context: BenchContext): Promise<Turns> {
  const turns: Turns = { floor: [], ours: [] }
  const floor = await scenario.floor?.(context)
  const ours = await scenario.ours(context)
  const rounds = scenario.rounds ?? context.settings.rounds
  // One turn of each that does not count: compilers and caches of all three processes settle.
  if (scenario.rounds === undefined) {
    await floor?.()
    await ours()
  }
  for (let round = 1; round <= rounds; round += 1) {
    for (const [name, side] of [['floor', floor] as const, ['ours', ours] as const]) {
      if (side === undefined) continue
      const sample = await side()
      turns[name].push(sample)
      context.progress.step(
        `${scenario.name} ${round}/${rounds} ${name}: ${shown(sample, scenario)}`,
      )
    }
  }
  return turns
}

const side = (samples: readonly Sample[]): SideResult | undefined =>
  samples.length === 0 ? undefined : summarize(samples)

/** The result of the scenario; one that failed says why and passes no bar. */
export async function runScenario(
  scenario: Scenario,
  options: RunOptions,
): Promise<ScenarioResult> {
  const { settings, progress, profileDirectory } = options
  const context = new BenchContext(settings, progress, profileDirectory)
  const { name, title, unit, durability } = scenario
  const startedMs = performance.now()
  const head = { name, title, unit, durability, mode: settings.mode }
  const seconds = (): number => Math.round((performance.now() - startedMs) / 100) / 10
  try {
    const turns = await takeTurns(scenario, context)
    const floor = side(turns.floor)
    const ours = side(turns.ours)
    return { ...head, seconds: seconds(), floor, ours, verdicts: judge(scenario, floor, ours) }
  } catch (error) {
    const problem = error instanceof Error ? error.message : `${error}`
    const verdicts = judge(scenario, undefined, undefined)
    return { ...head, seconds: seconds(), floor: undefined, ours: undefined, verdicts, problem }
  } finally {
    await context.close()
  }
}
