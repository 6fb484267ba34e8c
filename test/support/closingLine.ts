import type { Reporter, TestModule } from 'vitest/node'

/** Ends a run with one plain line, so that any CI that reads lines knows how many tests ran. */
export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const count = { passed: 0, failed: 0, skipped: 0, pending: 0 }
    for (const module of modules) {
      if (module.errors().length > 0) count.failed += 1
      for (const test of module.children.allTests()) count[test.result().state] += 1
    }
    if (count.skipped > 0) process.stdout.write(`\n${count.skipped} skipped\n`)
    process.stdout.write(`\n${count.passed} passed, ${count.failed} failed\n`)
  }
}
