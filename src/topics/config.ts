/** What an operator may set per topic; everything else is the broker's. */
export interface TopicConfig {
  /** Sealed segments whose newest record is older are removed; null keeps them for ever. Default 168 h. */
  readonly retentionMs: number | null
  /** Per partition: the oldest sealed segments go while it is larger; null (default) sets no bound. */
  readonly retentionBytes: number | null
  /** Size in bytes at which a segment is sealed. Default 64 MiB, 1 KiB to 1 GiB. */
  readonly segmentBytes: number
  /** The largest record (header, key, value) in bytes. Default 1 MiB, at most 16 MiB and the segment's size. */
  readonly recordBytesMax: number
}
