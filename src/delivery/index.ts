/** Deliveries: who holds which record of which group, and what became of it. */

export { DEATH_REASONS, type DeadLetterMark, type DeathReason } from './deadLetter.ts'
export { deadLetterTopicOf, isDeadLetterTopic } from './deadLetterTopic.ts'
export {
  type AckCommit,
  Delivery,
  type DeliveryOptions,
  type PolicyView,
} from './delivery.ts'
export type { DeliveryPoll } from './dispatcher.ts'
export type { Delivered, DeliveredPart } from './handOut.ts'
export type {
  GroupLaneFigures,
  LaneTotals,
  PartitionLaneFigures,
  PriorityFigures,
} from './lanes/figures.ts'
export type { Outcome, Piece } from './machine/events.ts'
export {
  DEFAULT_DELIVERY_POLICY,
  type DeliveryPolicy,
  type PolicyChange,
} from './machine/policy.ts'
export { nonceText, parseReceipt, type ReceiptRange } from './receipt.ts'
export type { RangeOutcome, Saying, SayingKind } from './receipts.ts'
export type { DeadLetter, LetterPage, LetterQuery } from './redrive/letters.ts'
export type { RedriveFilter, Task, TaskState } from './redrive/machine.ts'
export type { RedriveRequest } from './redrive/redrives.ts'
export { DEFAULT_DELIVERY_SETTINGS, type DeliverySettings } from './settings.ts'
export type { DeliveryFigures, GroupDelivery, WindowView } from './view.ts'
