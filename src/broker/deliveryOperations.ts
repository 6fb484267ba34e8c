/** The operations of deliveries: what workers say of what they were handed, and how it is handed out. */
import type {
  DeliveryFigures,
  NackRequest,
  PolicyChange,
  PolicyView,
  RangeOutcome,
  ReceiptRange,
} from '../delivery/index.ts'

/** Of each range what became of it. */
type Said = readonly RangeOutcome[]

interface PolicyOf {
  readonly scope: 'group' | 'topic'
  readonly name: string
}

export interface DeliveryOperations {
  'messages.ack': { input: { readonly ranges: readonly ReceiptRange[] }; output: Said }
  'messages.nack': { input: NackRequest; output: Said }
  'messages.reject': { input: NackRequest; output: Said }
  'messages.extend': {
    input: { readonly ranges: readonly ReceiptRange[]; readonly timeoutMs: number }
    output: Said
  }
  'delivery.policy': { input: PolicyOf; output: PolicyView }
  'delivery.setPolicy': { input: PolicyOf & { readonly change: PolicyChange }; output: PolicyView }
  'delivery.figures': { input: Record<string, never>; output: DeliveryFigures }
}
