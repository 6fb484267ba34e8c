/** One thing that is wrong with a configuration. */
export interface ConfigProblem {
  /** Where it stands: `--port`, `GOQUEUE_PORT` or `goqueue.yaml:3`. */
  readonly where: string
  /** A sentence that follows on: `port must be 0 to 65535, not 70000`. */
  readonly message: string
}

/** A configuration that cannot be used, with everything that is wrong with it. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly ConfigProblem[]

  constructor(problems: readonly ConfigProblem[]) {
    const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`
    const lines = problems.map(({ where, message }) => `  ${where}: ${message}`)
    super(`${count} in the configuration\n${lines.join('\n')}`)
    this.problems = problems
  }
}
