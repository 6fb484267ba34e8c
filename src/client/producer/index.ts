/** Sending messages. */
export type { When } from './due.ts'
export type {
  BatchDelivery,
  ClientDurability,
  DeliveredPosition,
  DeliveredRun,
  Delivery,
  Message,
} from './message.ts'
export type { ProducerOptions, ProducerWarning } from './options.ts'
export { Producer } from './producer.ts'
