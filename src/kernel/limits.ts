/**
 * The outer bounds of the broker and the proofs between them. What an operator may change within
 * these bounds is a setting (see `config`); these are the bounds themselves.
 */
import { invariant } from './invariant.ts'
import { GiB, KiB, MINUTE_MS, MiB, SECOND_MS } from './units.ts'

export const LIMITS = {
  /** One record with its header, extension block, key and value, in bytes. */
  recordBytesMax: 16 * MiB,
  /** One key in bytes: its length is a uint16 on disk. */
  keyBytesMax: 64 * KiB - 1,
  /** Headers of one record, encoded, in bytes. */
  recordHeadersBytesMax: 64 * KiB,
  /** Headers of one record, by number. */
  recordHeadersMax: 64,
  /** One atomic batch in bytes. */
  batchBytesMax: 32 * MiB,
  /** Records in one atomic batch. */
  batchRecordsMax: 100_000,
  /** One segment file in bytes: positions are uint32 in the index. */
  segmentBytesMax: 1 * GiB,
  segmentBytesMin: 1 * KiB,
  /** Partitions of one topic. */
  topicPartitionsMax: 1_024,
  /** Topic and group names in characters. */
  nameCharsMax: 249,
  /** Messages that one read may return. */
  readMessagesMax: 10_000,
  /** Bytes that one read may return (one record may exceed it). */
  readBytesMax: 16 * MiB,
  /** Partitions that one request may read. */
  fetchReadsMax: 10_000,
  /** Delayed messages that one list may return. */
  delayedListMax: 1_000,
  /** Longest long poll, in milliseconds. */
  longPollMsMax: 60_000,
  /** Consumer groups of the broker. */
  groupsMax: 10_000,
  /** Members of one group. */
  groupMembersMax: 1_000,
  /** Members of all groups together. */
  membersMax: 100_000,
  /** Topics that one member may subscribe to. */
  memberTopicsMax: 100,
  /** Dead letters that a redrive brings back a second where nobody says how many, and at the most. */
  redriveRateDefault: 100,
  redriveRateMax: 10_000,
  /** How long a member may be silent before it is evicted, in milliseconds. */
  sessionTimeoutMsMin: 1 * SECOND_MS,
  sessionTimeoutMsMax: 30 * MINUTE_MS,
} as const

invariant(LIMITS.recordBytesMax <= LIMITS.batchBytesMax, 'a record fits in a batch')
invariant(LIMITS.batchBytesMax <= LIMITS.segmentBytesMax, 'a batch fits in the largest segment')
invariant(LIMITS.segmentBytesMax < 2 ** 32, 'file positions are uint32')
invariant(LIMITS.keyBytesMax < 2 ** 16, 'key lengths are uint16')
