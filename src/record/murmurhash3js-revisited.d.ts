/** The part of the library that is used here; it brings no types of its own. */
declare module 'murmurhash3js-revisited' {
  const library: {
    /** Looks at every byte before it hashes; of no use where the type says bytes already. */
    inputValidation: boolean
    readonly x86: {
      /** Unsigned 32-bit hash; seed 0 where none is given. */
      hash32(bytes: ArrayLike<number>, seed?: number): number
    }
  }
  export default library
}
