/** A broker in front of the broker: tells when a long poll waits, and holds publishes up while it is told to. */
import type { Broker, BrokerPort, OperationName, Operations } from '../../src/broker/index.ts'

export class GatedBroker implements BrokerPort {
  readonly #broker: Broker
  #waits = 0
  #changed: () => void = () => {}
  #gate: Promise<void> | undefined
  #arrived = 0

  constructor(broker: Broker) {
    this.#broker = broker
  }

  status() {
    return this.#broker.status()
  }

  async call<N extends OperationName>(
    name: N,
    input: Operations[N]['input'],
    caller: Parameters<BrokerPort['call']>[2],
  ): Promise<Operations[N]['output']> {
    if ('waitMs' in input && input.waitMs > 0) {
      const result = this.#broker.call(name, input, caller)
      this.#waits += 1
      this.#changed()
      return await result
    }
    if (name === 'records.publish' || name === 'records.publishBatch') {
      this.#arrived += 1
      this.#changed()
      await this.#gate
    }
    return await this.#broker.call(name, input, caller)
  }

  /** Resolves when `count` reads have asked to wait since the broker was made. */
  async waits(count: number): Promise<void> {
    while (this.#waits < count) await this.#change()
  }

  /** Resolves when `count` publishes have come this far. */
  async publishes(count: number): Promise<void> {
    while (this.#arrived < count) await this.#change()
  }

  /** Holds publishes up until the returned function is called. */
  hold(): () => void {
    let open = (): void => {}
    this.#gate = new Promise((resolve) => {
      open = resolve
    })
    return open
  }

  async #change(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#changed = resolve
    })
  }
}
