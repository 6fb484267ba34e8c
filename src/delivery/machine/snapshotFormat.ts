/** What the bytes of a snapshot say in their versions and bits. */

/** Those before it knew one line of runs for all lanes. */
export const VERSION = 3

/** What a run shares with the one before it is said by a bit: a batch that was cut up is written once. */
export const STATE_BITS = 0x03
export const LEASE = { SAME: 0x04, NONE: 0x08 } as const
export const TROUBLE = { SAME: 0x10, NONE: 0x20 } as const
/** Its lane is not `normal` and follows. */
export const LANE = 0x40
/** There are records of other lanes between its own: these follow, and how far the run reaches is from the first to the last. */
export const SCATTERED = 0x80
