/** The operations of deliveries: what workers say of what they were handed, and how it is handed out. */
import type {
  DeliveryFigures,
  LetterPage,
  LetterQuery,
  PolicyChange,
  PolicyView,
  RangeOutcome,
  RedriveRequest,
  Saying,
  Task,
} from '../delivery/index.ts'

interface PolicyOf {
  readonly scope: 'group' | 'topic'
  readonly name: string
}

interface OfTask {
  readonly topic: string
  readonly id: string
}

export interface DeliveryOperations {
  /** What workers say of what they were handed; of each saying what became of it. */
  'messages.say': {
    input: { readonly sayings: readonly Saying[] }
    output: readonly RangeOutcome[]
  }
  'delivery.policy': { input: PolicyOf; output: PolicyView }
  'delivery.setPolicy': { input: PolicyOf & { readonly change: PolicyChange }; output: PolicyView }
  'dlq.list': { input: LetterQuery & { readonly topic: string }; output: LetterPage }
  'dlq.redrive': { input: RedriveRequest; output: Task }
  'dlq.tasks': { input: { readonly topic: string }; output: readonly Task[] }
  'dlq.task': { input: OfTask; output: Task }
  'dlq.cancel': { input: OfTask; output: Task }
  'delivery.figures': { input: Record<string, never>; output: DeliveryFigures }
}
