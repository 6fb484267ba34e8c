import { execFileSync } from 'node:child_process'

/** What is measured: the short commit, `+` where `src/` or `bin/` have changes; `unknown` outside of a checkout. */
export function currentCommit(): string {
  try {
    const git = (...args: string[]): string => execFileSync('git', args, { encoding: 'utf8' })
    const changed = git('status', '--porcelain', '--untracked-files=no', 'src', 'bin') !== ''
    return `${git('rev-parse', '--short', 'HEAD').trim()}${changed ? '+' : ''}`
  } catch {
    return 'unknown'
  }
}
