/** The operations of deliveries: what workers say of what they were handed, and how it is handed out. */
import type {
  DeliveryFigures,
  PolicyChange,
  PolicyView,
  RangeOutcome,
  Saying,
} from '../delivery/index.ts'

interface PolicyOf {
  readonly scope: 'group' | 'topic'
  readonly name: string
}

export interface DeliveryOperations {
  /** What workers say of what they were handed; of each saying what became of it. */
  'messages.say': {
    input: { readonly sayings: readonly Saying[] }
    output: readonly RangeOutcome[]
  }
  'delivery.policy': { input: PolicyOf; output: PolicyView }
  'delivery.setPolicy': { input: PolicyOf & { readonly change: PolicyChange }; output: PolicyView }
  'delivery.figures': { input: Record<string, never>; output: DeliveryFigures }
}
