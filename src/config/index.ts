/** Settings: declared once, merged from four places, explained. */
import type { FileText } from './file.ts'

export { type ParsedKeys, parseKeysFile, parseKeysList } from './apiKeys.ts'
export { configurationPage, type SettingRow, settingRows } from './describe.ts'
export type { FileText, ParsedFile } from './file.ts'
export { formatValue, rangeOf, type SettingKind, type Spec } from './kinds.ts'
export {
  type ConfigSources,
  type Configuration,
  configPath,
  type Environment,
  loadConfiguration,
  type Origin,
} from './load.ts'
export { ConfigError, type ConfigProblem } from './problems.ts'
export { SETTINGS, type Setting, type SettingName, type Settings } from './settings.ts'

/** The entries of a configuration file. The YAML library is loaded only by those who have one. */
export const parseConfigFile = async (file: FileText) => (await import('./file.ts')).parseFile(file)
