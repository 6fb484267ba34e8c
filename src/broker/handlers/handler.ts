/** What a room adds to the broker: for each of its operations the function that does it. */
import type { Caller } from '../../kernel/caller.ts'
import type { OperationName, Operations } from '../operations.ts'

export type Handler<N extends OperationName> = (
  input: Operations[N]['input'],
  caller: Caller,
) => Promise<Operations[N]['output']>

export type Handlers<N extends OperationName = OperationName> = { readonly [K in N]: Handler<K> }
