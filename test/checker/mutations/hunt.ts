/** Hunts one planted bug: rounds of the clients and the fault under which it shows, until the checker finds it. */
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { buildBroker } from '../brokers/build.ts'
import { count } from '../check/finding.ts'
import { FAULTS } from '../faults/index.ts'
import { runRound } from '../round.ts'
import type { Mutation } from './mutations.ts'

export interface HuntPlan {
  readonly mutation: Mutation
  readonly seed: number
  readonly roundsMax: number
  readonly workMs: number
  readonly directory: string
}

export interface Catch {
  /** Undefined where it was not found. */
  readonly check: string | undefined
  readonly example: string
  readonly rounds: number
  readonly operations: number
  readonly findings: number
  readonly durationMs: number
}

export async function hunt(plan: HuntPlan): Promise<Catch> {
  const { mutation, seed, roundsMax, workMs, directory } = plan
  const start = performance.now()
  const fault = FAULTS.find(({ name }) => name === mutation.fault)
  if (fault === undefined) throw new Error(`no fault ${mutation.fault}`)
  await mkdir(directory, { recursive: true })
  const built = await buildBroker(join(directory, 'build'), [mutation])
  let operations = 0
  let problem = 'nothing was found'
  for (let round = 1; round <= roundsMax; round += 1) {
    const { features, problem: stuck } = await runRound({
      ...{ built, fault, features: [mutation.feature], seed: seed + round, workMs },
      directory: join(directory, `round-${round}`),
    })
    const { operations: done = 0, findings = [] } = features.get(mutation.feature) ?? {}
    operations += done
    const found = findings.find(({ check }) => mutation.expects.includes(check))
    const durationMs = performance.now() - start
    if (found !== undefined) {
      await rm(directory, { recursive: true, force: true })
      const caught = { check: found.check, example: found.message, findings: count(findings) }
      return { ...caught, rounds: round, operations, durationMs }
    }
    const other = findings.map(({ check, message }) => `${check}: ${message}`)[0]
    problem = stuck ?? other ?? problem
  }
  const durationMs = performance.now() - start
  return {
    ...{ check: undefined, example: problem, findings: 0, rounds: roundsMax },
    ...{ operations, durationMs },
  }
}
