/** Micro benches: named functions, timed by mitata when the file is run and called once by the tests. */
import { pathToFileURL } from 'node:url'
import { bench, group, run } from 'mitata'

export type MicroCases = Readonly<Record<string, () => unknown>>

/** Times the cases where `moduleUrl` is the script that was started. */
export async function runIfMain(moduleUrl: string, name: string, cases: MicroCases): Promise<void> {
  const script = process.argv[1]
  if (script === undefined || pathToFileURL(script).href !== moduleUrl) return
  group(name, () => {
    for (const [title, once] of Object.entries(cases)) bench(title, once)
  })
  await run()
}
