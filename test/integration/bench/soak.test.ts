/** The load of a soak, for a moment: every part of it does something, nothing goes wrong, nothing is left. */
import { expect, test } from 'vitest'
import { startLoad } from '../../../bench/soak/load/load.ts'
import { COUNTS, World } from '../../../bench/soak/load/world.ts'
import { Sampler } from '../../../bench/soak/sampling.ts'
import { SERIES } from '../../../bench/soak/series.ts'
import { startInProcess } from '../../support/inProcessDaemon.ts'

/** What takes a minute to happen, and what only a busy machine has. */
const NOT_AT_ONCE = ['brought back', 'turns left out', 'delivered 5 s late or later']

test('the load of a soak does everything and leaves nothing behind', async () => {
  const { url, dataDir: directory } = await startInProcess()
  const world = new World({ url, ratePerSecond: 200, valueBytes: 50, delayMsMax: 1_000 })
  const load = await startLoad(world)
  const sampler = new Sampler({ url, directory, serverPid: process.pid, loadPid: process.pid })
  const wanted = COUNTS.filter((name) => !NOT_AT_ONCE.includes(name))
  const missing = (): string[] => wanted.filter((name) => world.counts[name] === 0)
  await expect.poll(missing, { timeout: 40_000 }).toEqual([])
  const sample = await sampler.take({ heapMb: 1, lagMs: 0 })
  for (const { name } of SERIES) expect(sample[name], name).not.toBeNaN()
  for (const name of [
    'rss',
    'heap',
    'files',
    'logs',
    'delay logs',
    'journals',
    'groups',
  ] as const) {
    expect(sample[name], name).toBeGreaterThan(0)
  }
  expect(await load.stop(40_000)).toEqual({ lag: 0, delayed: 0 })
  expect(world.problems).toEqual({})
  const { scheduled, cancelled } = world.counts
  expect(world.counts['delivered in time']).toBe(scheduled - cancelled)
})
