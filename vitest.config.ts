import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

interface Settings {
  readonly testTimeout: number
  readonly [setting: string]: unknown
}

/** What ends with a test, such as a broker that it opened, may take as long as the test itself. */
const project = (name: string, include: string[], test: Settings) => ({
  extends: true as const,
  test: { name, include, hookTimeout: test.testTimeout, ...test },
})

/** Loading the same modules for each file anew took two thirds of the time; no test replaces a module. */
const SHARED_MODULES = { isolate: false }

/** Tests that compute and never wait: also on two cores two files at a time, and before those that start processes. */
const QUICK = {
  ...SHARED_MODULES,
  maxWorkers: Math.max(2, availableParallelism() - 1),
  sequence: { groupOrder: 0 },
}
/** Tests that wait for disks and processes most of the time. */
const SLOW = { maxWorkers: 2, sequence: { groupOrder: 1 } }

export default defineConfig({
  test: {
    // The same modules are loaded by every project: transformed once, they come from node_modules/ after that.
    experimental: { fsModuleCache: true },
    restoreMocks: true,
    reporters: ['default', './test/support/closingLine.ts'],
    coverage: {
      provider: 'v8',
      include: ['src/**'],
      thresholds: { lines: 90, branches: 85 },
    },
    projects: [
      // The time limit is for a machine that does other things too: a hang is to fail, a slow minute is not.
      project('unit', ['test/{unit,tidy}/**/*.test.ts', 'test/contract/memory.test.ts'], {
        testTimeout: 30_000,
        ...QUICK,
      }),
      project('property', ['test/property/**/*.test.ts'], {
        testTimeout: 60_000,
        ...QUICK,
      }),
      project('integration', ['test/integration/**/*.test.ts', 'test/contract/segmented.test.ts'], {
        testTimeout: 60_000,
        ...SHARED_MODULES,
        ...SLOW,
      }),
      project('e2e', ['test/e2e/**/*.test.ts'], {
        testTimeout: 120_000,
        ...SLOW,
        globalSetup: './test/support/build.ts',
      }),
      project('crash', ['test/{crash,simulation}/**/*.test.ts'], {
        testTimeout: 240_000,
        ...SLOW,
        globalSetup: './test/support/build.ts',
      }),
    ],
  },
})
