import { execFileSync } from 'node:child_process'

/** The end-to-end and crash projects run the built daemon, exactly as a user would. */
export default function build(): void {
  execFileSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' })
}
