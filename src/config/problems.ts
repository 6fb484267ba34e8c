import { EXIT } from '../kernel/exitCodes.ts'
import { Failure } from '../kernel/failure.ts'

/** One thing that is wrong with a configuration. */
export interface ConfigProblem {
  /** Where it stands: `--port`, `GOQUEUE_PORT` or `goqueue.yaml:3`. */
  readonly where: string
  /** A sentence that follows on: `port must be 0 to 65535, not 70000`. */
  readonly message: string
}

/** A configuration that cannot be used, with everything that is wrong with it. */
export class ConfigError extends Failure {
  override readonly name = 'ConfigError'
  readonly problems: readonly ConfigProblem[]

  constructor(problems: readonly ConfigProblem[]) {
    const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`
    const lines = problems.map(({ where, message }) => `  ${where}: ${message}`)
    super(EXIT.CONFIG, `${count} in the configuration\n${lines.join('\n')}`, {
      hint: 'docs/configuration.md and `goqueue serve --help` list every setting',
    })
    this.problems = problems
  }
}
