/** Partition logs: the port and its engines. */
export { memoryEngine } from './memory/engine.ts'
export {
  ACKS,
  type Acks,
  type Admission,
  type AppendedEarlier,
  type AppendResult,
  type BlobStore,
  type Capture,
  type CapturedFile,
  type Durability,
  type LaneCounts,
  type Lanes,
  type LogCapabilities,
  type LogEngine,
  type LogOffsets,
  type LogOptions,
  type LogStats,
  type OffsetAtTime,
  type PartitionLog,
  type ReadLimit,
  type ReadResult,
  type RetentionPolicy,
} from './port.ts'
export { openSegmentedEngine, type SegmentedEngineSetup } from './segmented/engine.ts'
export { FORMAT_VERSION, readFormat } from './segmented/format.ts'
export { inspect } from './segmented/inspect.ts'
export type { InspectLine, ProblemLine } from './segmented/inspectLines.ts'
export { type RepairedLine, type RepairSetup, repair } from './segmented/repair.ts'
export {
  DEFAULT_OPTIONS as DEFAULT_SEGMENTED_OPTIONS,
  type SegmentedOptions,
} from './segmented/services.ts'
export { type SurveyedLog, type SurveyProblem, survey } from './segmented/survey.ts'
