/** Brokers that can be killed and started again on what is left of their data. */
import { Broker } from '../../../src/broker/index.ts'
import { silentLogger } from '../../../src/kernel/platform.ts'
import { systemClock } from '../../../src/kernel/systemClock.ts'
import { HttpListener } from '../../../src/listeners/http/index.ts'
import { openSegmentedEngine } from '../../../src/log/index.ts'
import { startDaemon, type TestDaemon, temporaryDirectory } from '../../support/daemon.ts'
import type { SeededRandom } from '../../support/random.ts'
import { type CrashKind, SimulatedDisk } from '../../support/simulatedDisk.ts'

export interface MortalBroker {
  /** Resolves with the port of the next life. */
  start(): Promise<number>
  /** Ends the life at once; what it was doing stays half done. */
  kill(): Promise<void>
}

interface Life {
  readonly broker: Broker
  readonly listener: HttpListener
}

/** In this process, behind a real listener, on a disk that keeps after a crash what a real one would. */
export class SimulatedBroker implements MortalBroker {
  readonly #disk: SimulatedDisk
  readonly #random: SeededRandom
  readonly #crash: CrashKind
  #life: Life | undefined

  constructor(seed: number, random: SeededRandom, crash: CrashKind) {
    this.#disk = new SimulatedDisk(seed)
    this.#random = random
    this.#crash = crash
  }

  async start(): Promise<number> {
    const platform = { clock: systemClock, random: this.#random.next, logger: silentLogger }
    const engine = await openSegmentedEngine({
      directory: '/data',
      fileSystem: this.#disk.mount(),
      platform,
    })
    const broker = new Broker({ engine, platform })
    const listener = new HttpListener({
      ...{ broker, platform, build: { version: '0' }, health: () => broker.health() },
      options: { port: 0 },
    })
    await Promise.all([listener.start(), broker.start()])
    this.#life = { broker, listener }
    return listener.address?.port ?? 0
  }

  async kill(): Promise<void> {
    if (this.#crash === 'power') this.#disk.powerLoss()
    else this.#disk.processCrash()
    // The dead one holds a port and timers in this process: it may not reach the disk any more.
    const dead = [this.#life?.listener.stop(), this.#life?.broker.stop()]
    for (const stopped of dead) stopped?.catch(() => undefined)
    await this.#life?.listener.stop()
  }
}

/** The daemon itself, and `kill -9`. */
export class DaemonBroker implements MortalBroker {
  #dataDir: string | undefined
  #daemon: TestDaemon | undefined

  async start(): Promise<number> {
    this.#dataDir ??= await temporaryDirectory()
    this.#daemon = await startDaemon({ dataDir: this.#dataDir })
    return this.#daemon.port
  }

  async kill(): Promise<void> {
    await this.#daemon?.kill()
  }
}
