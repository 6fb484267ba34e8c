/** What an operator sees of a running broker: its log and its metrics. */
export type { DelayFigures } from './delayMetrics.ts'
export type { DeliveryFigures } from './deliveryMetrics.ts'
export { type GroupFigures, type GroupLag, LAG_SERIES_MAX } from './groupMetrics.ts'
export type { HttpFigures, HttpRouteFigures } from './httpMetrics.ts'
export {
  createLogger,
  type LogDestination,
  type LoggerOptions,
  type LogLevel,
  type RootLogger,
} from './logger.ts'
export { Meters, type OperationMeter, type TopicMeter } from './meters.ts'
export { type BuildInfo, type MetricDescription, type MetricSources, Metrics } from './metrics.ts'
export { NO_FIGURES } from './noFigures.ts'
export { metricsPage } from './reference.ts'
export type { TopicSize } from './stateMetrics.ts'
export type { Area, AreaMeter, StorageMeters } from './storageMeters.ts'
export type { AreaSize, DiskSpace, MachineFigures, StorageFigures } from './storageMetrics.ts'
