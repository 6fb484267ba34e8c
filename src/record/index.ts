/** The record codec: pure functions from bytes to records and back. */
export {
  BatchBuilder,
  batchOf,
  type RecordBatch,
  type RecordInput,
  type Stamp,
  stampRecord,
} from './batch.ts'
export { continueCrc32c, crc32c } from './crc32c.ts'
export {
  checksumMatches,
  type DecodedRecord,
  decodeRecord,
  decodeRecords,
  recordProblem,
  usualLength,
} from './decode.ts'
export type { Extension, ProducerMark, RecordHeaders, RecordOrigin } from './extension.ts'
export {
  AT_FLAGS,
  FLAG,
  HEADER_BYTES,
  hasMore,
  recordLength,
  recordOffset,
  recordPriority,
  recordTimestampMs,
} from './layout.ts'
export {
  copyDelivered,
  deliveredLength,
  originAt,
  originDueMs,
  originOffset,
  originPartition,
  putOrigin,
} from './origin.ts'
export {
  hasKeys,
  keyHash,
  keyPartition,
  type PartitionedRun,
  type SplitBatch,
  StickyPartitioner,
  splitByKey,
} from './partitioner.ts'
export { headFits, putRecordHead, type RecordHead, recordKeyBytes } from './recordHead.ts'
export {
  isControl,
  isTombstone,
  recordHeaders,
  recordKeyStart,
  recordValueStart,
} from './view.ts'
export {
  decodeWireBatch,
  encodeWireBatch,
  WIRE_BATCH_CONTENT_TYPE,
  WIRE_HEADER_BYTES,
  type WireBatch,
  type WireProducer,
} from './wireBatch.ts'
export { WireBatchBuilder, wireRecordBytesMax } from './wireBuilder.ts'
