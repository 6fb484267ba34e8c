/** Settings: declared once, merged from four places, explained. */
export { configurationPage, type SettingRow, settingRows } from './describe.ts'
export type { FileText } from './file.ts'
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
