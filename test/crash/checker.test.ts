/** A short run of the checker (see docs/proof.md): all features, one fault that spares the page cache and one that does not. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type BuiltBroker, buildBroker } from '../checker/brokers/build.ts'
import { FAULTS } from '../checker/faults/index.ts'
import { runRound } from '../checker/round.ts'
import { FEATURES } from '../checker/workloads/workload.ts'
import { baseSeed } from '../support/random.ts'

const WORK_MS = 1500

describe('checker', () => {
  let directory: string
  let built: BuiltBroker

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'goqueue-check-'))
    built = await buildBroker(join(directory, 'build'))
  })

  afterAll(() => rm(directory, { recursive: true, force: true }))

  test.each(['kill', 'power'])('finds nothing where the fault is %s', async (name) => {
    const fault = FAULTS.find((each) => each.name === name)
    if (fault === undefined) throw new Error(`no fault ${name}`)
    const seed = baseSeed()
    const plan = { built, fault, features: FEATURES, seed, workMs: WORK_MS }
    const { features, problem } = await runRound({ ...plan, directory: join(directory, name) })
    const findings = [...features].flatMap(([feature, { findings }]) =>
      findings.map(({ check, message }) => `${feature}: ${check}: ${message}`),
    )
    expect({ problem, findings }, `GOQUEUE_SEED=${seed}`).toEqual({
      problem: undefined,
      findings: [],
    })
    for (const [feature, { answered }] of features) expect(answered, feature).toBeGreaterThan(10)
  })
})
