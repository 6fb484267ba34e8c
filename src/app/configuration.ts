/** The configuration of this process: its flags, its environment, and the file that one of them names. */
import {
  ConfigError,
  type Configuration,
  configPath,
  type Environment,
  type FileText,
  loadConfiguration,
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

async function readFile(path: string, flag: string | undefined): Promise<FileText> {
  const where = flag === undefined ? 'GOQUEUE_CONFIG' : '--config'
  try {
    const bytes = await readWholeFile(nodeFileSystem, path)
    if (bytes !== undefined) return { path, text: bytes.toString() }
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error)
    throw new ConfigError([{ where, message: `cannot read ${path}: ${problem}` }])
  }
  throw new ConfigError([{ where, message: `there is no file ${path}` }])
}
