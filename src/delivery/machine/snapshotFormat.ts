/** What the bytes of a snapshot say in their versions and bits. */

export const VERSION = 2
/** Without lanes: all is normal. */
export const VERSION_1 = 1

/** What a run shares with the one before it is said by a bit: a batch that was cut up is written once. */
export const STATE_BITS = 0x03
export const LEASE = { SAME: 0x04, NONE: 0x08 } as const
export const TROUBLE = { SAME: 0x10, NONE: 0x20 } as const
/** Its lane is not `normal` and follows. */
export const LANE = 0x40
