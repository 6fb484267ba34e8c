import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BenchContext } from '../support/context.ts'
import { type CpuProfile, type Feature, shareOf } from '../support/profileShare.ts'
import { type Scenario, type Side, valueAtMost } from '../support/scenario.ts'
import { fill, work } from '../support/workSides.ts'

/** What exists for priorities alone, and what asks for them elsewhere. */
const LANES: Feature = {
  files: /dist\/(scheduling|delivery\/lanes)\/|dist\/(log|delivery)\/.*lane[^/]*\.js$/i,
  lines: /lane|priority|plain|mixed/i,
  within: /dist\/(record|log|topics|delivery)\//,
}
const PERCENT = 100
/** So that the start, which knows of no lanes, is a small part of the profile. */
const TIMES = 4

async function ours(context: BenchContext): Promise<Side> {
  return async () => {
    const profileDirectory = context.directory('profile')
    const directory = context.directory('ours')
    const daemon = await context.daemon({ directory, profileDirectory, unbundled: true })
    for (let time = 1; time < TIMES; time += 1) {
      await fill(context, daemon)
      await work(context, daemon)
    }
    await fill(context, daemon)
    const { notes } = await work(context, daemon)
    await daemon.stop()
    const [file = 'no profile'] = readdirSync(profileDirectory)
    const profile = JSON.parse(readFileSync(join(profileDirectory, file), 'utf8')) as CpuProfile
    return { values: { share: shareOf(profile, LANES) * PERCENT }, notes: { ...notes } }
  }
}

export const scenario: Scenario = {
  name: 'lanes-none',
  title:
    'What lanes cost a topic without priorities: their share of the daemon’s processor time while messages are published, leased and acked, by profile',
  unit: '%',
  durability: 'leader',
  bars: [valueAtMost('share', 3)],
  ours,
}
