/** Prometheus' own checker, where the machine has it. */
import { execFileSync, spawnSync } from 'node:child_process'

export const HAS_PROMTOOL = spawnSync('promtool', ['--version']).status === 0

if (!HAS_PROMTOOL) console.info('promtool is not installed: what it would check is skipped')

/** What it complains of; empty where all is well. Its notes on what it did are left out. */
export function promtool(args: readonly string[], input = ''): string {
  try {
    execFileSync('promtool', [...args], { input, encoding: 'utf8', stdio: 'pipe' })
    return ''
  } catch (error) {
    const { stdout, stderr } = error as { readonly stdout: string; readonly stderr: string }
    return `${stdout}${stderr}`
  }
}
