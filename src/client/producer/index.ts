/** Sending messages. */
export type {
  BatchDelivery,
  ClientDurability,
  DeliveredRun,
  Delivery,
  Message,
} from './message.ts'
export type { ProducerOptions, ProducerWarning } from './options.ts'
export { Producer } from './producer.ts'
