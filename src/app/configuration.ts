/** The configuration of this process: its flags, its environment, and the file that one of them names. */
import {
  ConfigError,
  type Configuration,
  configPath,
  type Environment,
  loadConfiguration,
  type ParsedFile,
  parseConfigFile,
} from '../config/index.ts'
import { nodeFileSystem, readWholeFile } from '../io/index.ts'

export interface ConfigurationInput {
  /** Settings given as flags, by key without dashes; absent where not given. */
  readonly flags: Readonly<Record<string, unknown>>
  /** The value of `--config`. */
  readonly config?: string | undefined
  readonly env: Environment
}

/** Rejects with a ConfigError that names all problems. */
export async function readConfiguration(input: ConfigurationInput): Promise<Configuration> {
  const { flags, config, env } = input
  const path = configPath(config, env)
  const file = path === undefined ? undefined : await readFile(path, config)
  return loadConfiguration({ file, env, flags })
}

async function readFile(path: string, flag: string | undefined): Promise<ParsedFile> {
  const where = flag === undefined ? 'GOQUEUE_CONFIG' : '--config'
  const bytes = await readWholeFile(nodeFileSystem, path).catch((error: unknown) => {
    const problem = error instanceof Error ? error.message : String(error)
    throw new ConfigError([{ where, message: `cannot read ${path}: ${problem}` }])
  })
  if (bytes !== undefined) return await parseConfigFile({ path, text: bytes.toString() })
  throw new ConfigError([{ where, message: `there is no file ${path}` }])
}
