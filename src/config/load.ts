/**
 * Where settings come from, each layer over the one before it:
 *
 *   default < file (`--config`, `GOQUEUE_CONFIG`) < `GOQUEUE_*` variables < flags
 *
 * Nothing is read here: `app` brings the file, the environment and the flags. Every problem of every
 * layer is found before anything is reported.
 */

import { suggest } from '../kernel/suggest.ts'
import type { FileEntry, ParsedFile } from './file.ts'
import { parseValue, type SettingValue } from './kinds.ts'
import { ConfigError, type ConfigProblem } from './problems.ts'
import { SETTINGS, type Setting, type SettingName, type Settings } from './settings.ts'

export type Environment = Readonly<Record<string, string | undefined>>

export interface ConfigSources {
  readonly file?: ParsedFile | undefined
  readonly env: Environment
  /** By key without dashes (`data-dir`), as they were given; absent where they were not. */
  readonly flags: Readonly<Record<string, unknown>>
}

export interface Origin {
  readonly layer: 'default' | 'file' | 'environment' | 'flag'
  /** `goqueue.yaml:3`, `GOQUEUE_PORT`, `--port`; `default`. */
  readonly where: string
}

export interface Configuration {
  readonly settings: Settings
  readonly origins: Readonly<Record<SettingName, Origin>>
}

interface Given {
  readonly setting: Setting
  readonly raw: unknown
  readonly origin: Origin
}

/** Variables of ours that are not settings of the daemon. */
const OTHER_VARIABLES = [
  ...['GOQUEUE_CONFIG', 'GOQUEUE_BUILD', 'GOQUEUE_SEED'],
  ...['GOQUEUE_URL', 'GOQUEUE_API_KEY', 'GOQUEUE_CA_FILE'],
]
/** What Kubernetes adds to every container beside a service named `goqueue`. */
const SERVICE_LINK = /^GOQUEUE_(?:SERVICE_|PORT_\d)/
const LINK_VALUE = /^tcp:\/\//

/** Path of the configuration file that flags or environment name; undefined where none does. */
export const configPath = (flag: unknown, env: Environment): string | undefined => {
  const path = typeof flag === 'string' && flag !== '' ? flag : env['GOQUEUE_CONFIG']
  return path === '' ? undefined : path
}

/** Merges the layers. Throws {@link ConfigError} with all problems of all layers. */
export function loadConfiguration(sources: ConfigSources): Configuration {
  const problems: ConfigProblem[] = []
  const given = [
    ...fromFile(sources.file, problems),
    ...fromEnvironment(sources.env, problems),
    ...fromFlags(sources.flags, problems),
  ]
  const values: Record<string, SettingValue> = {}
  const origins: Record<string, Origin> = {}
  for (const { name, spec } of SETTINGS) {
    values[name] = spec.defaultValue
    origins[name] = { layer: 'default', where: 'default' }
  }
  for (const { setting, raw, origin } of given) {
    const parsed = parseValue(setting.spec, raw)
    if ('problem' in parsed) {
      problems.push({ where: origin.where, message: problemWith(setting, parsed.problem, raw) })
    } else {
      values[setting.name] = parsed.value
      origins[setting.name] = origin
    }
  }
  if (problems.length > 0) throw new ConfigError(problems)
  // Every name was given a value of its own kind above: the declarations made both the type and the values.
  return settled(values as Settings, origins as Record<SettingName, Origin>)
}

/** A record fits in a segment: a limit that nobody set follows a smaller segment, one that was set is a problem. */
function settled(settings: Settings, origins: Record<SettingName, Origin>): Configuration {
  const { maxRecordBytes, segmentBytes } = settings
  if (maxRecordBytes <= segmentBytes) return { settings, origins }
  if (origins.maxRecordBytes.layer !== 'default') {
    const message = 'max-record-bytes must not exceed segment-bytes: a record fits in a segment'
    throw new ConfigError([{ where: origins.maxRecordBytes.where, message }])
  }
  return {
    settings: { ...settings, maxRecordBytes: segmentBytes },
    origins: {
      ...origins,
      maxRecordBytes: { layer: 'default', where: 'default, as segment-bytes' },
    },
  }
}

function fromFile(file: ParsedFile | undefined, problems: ConfigProblem[]): Given[] {
  if (file === undefined) return []
  problems.push(...file.problems)
  const given: Given[] = []
  const seen = new Map<Setting, FileEntry>()
  for (const entry of file.entries) {
    const setting = settingOfKey(entry.key)
    if (setting === undefined) {
      problems.push({ where: entry.where, message: unknownKey(entry.key) })
    } else if (seen.has(setting)) {
      const first = seen.get(setting)?.where ?? ''
      problems.push({
        where: entry.where,
        message: `${setting.key} is given twice, first at ${first}`,
      })
    } else {
      seen.set(setting, entry)
      given.push({ setting, raw: entry.value, origin: { layer: 'file', where: entry.where } })
    }
  }
  return given
}

/** `data-dir`, `data_dir` and `dataDir` are one key. */
function settingOfKey(key: string): Setting | undefined {
  const plain = (text: string): string => text.replaceAll(/[-_]/g, '').toLowerCase()
  return SETTINGS.find((setting) => plain(setting.key) === plain(key))
}

function fromEnvironment(env: Environment, problems: ConfigProblem[]): Given[] {
  const given: Given[] = []
  for (const [variable, raw] of Object.entries(env)) {
    // An empty variable is one that a shell script or a compose file left unset.
    if (!variable.startsWith('GOQUEUE_') || raw === undefined || raw === '') continue
    if (OTHER_VARIABLES.includes(variable) || SERVICE_LINK.test(variable)) continue
    const setting = SETTINGS.find((each) => each.variable === variable)
    if (setting === undefined) {
      const known = [...SETTINGS.map((each) => each.variable), ...OTHER_VARIABLES]
      problems.push({ where: variable, message: `is no setting${didYouMean(variable, known)}` })
    } else {
      given.push({ setting, raw, origin: { layer: 'environment', where: variable } })
    }
  }
  return given
}

function fromFlags(flags: ConfigSources['flags'], problems: ConfigProblem[]): Given[] {
  const given: Given[] = []
  for (const [key, raw] of Object.entries(flags)) {
    if (raw === undefined) continue
    const setting = SETTINGS.find((each) => each.key === key)
    if (setting === undefined) {
      problems.push({ where: `--${key}`, message: unknownKey(key) })
    } else if (Array.isArray(raw)) {
      problems.push({ where: `--${key}`, message: 'is given more than once' })
    } else {
      given.push({ setting, raw, origin: { layer: 'flag', where: `--${key}` } })
    }
  }
  return given
}

const unknownKey = (key: string): string => {
  const known = SETTINGS.map((setting) => setting.key)
  return `"${key}" is no setting${didYouMean(key, known)}`
}

function didYouMean(name: string, known: readonly string[]): string {
  const nearest = suggest(name, known)
  return nearest === undefined ? '; `goqueue config` lists them all' : `; did you mean ${nearest}?`
}

function problemWith(setting: Setting, problem: string, raw: unknown): string {
  const isLink = setting.name === 'port' && typeof raw === 'string' && LINK_VALUE.test(raw)
  const hint = isLink
    ? ' (Kubernetes sets this for a service named goqueue: set enableServiceLinks: false)'
    : ''
  return `${setting.key} ${problem}${hint}`
}
