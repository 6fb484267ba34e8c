/** The broker on a simulated disk, in a process of its own (see host.ts). */
import { join } from 'node:path'
import type { BrokerProcess, Told, Trick } from './broker.ts'
import type { BuiltBroker } from './build.ts'
import { Child, environment } from './child.ts'

export interface SimulatedSetup {
  readonly built: BuiltBroker
  readonly directory: string
  readonly seed: number
}

type Answer = { readonly port: number } | { readonly error: string }

export class SimulatedProcess implements BrokerProcess {
  readonly #setup: SimulatedSetup
  #child: Child | undefined
  #listener: (how: string) => void = () => undefined

  constructor(setup: SimulatedSetup) {
    this.#setup = setup
  }

  async start(): Promise<number> {
    if (this.#child !== undefined) return await this.#tell({ trick: 'start' })
    const { built, directory, seed } = this.#setup
    const child = new Child({
      command: process.execPath,
      args: [built.host],
      env: environment({ HOST_SEED: String(seed), HOST_LOG: '1' }),
      logPath: join(directory, 'broker.log'),
      talks: true,
    })
    this.#child = child
    void child.exited.then((how) => child.isExpected || this.#listener(how))
    await child.says(/hosting/)
    return await this.#tell({ trick: 'start' })
  }

  /** SIGKILL: the broker crashes, the page cache stays. The process lives on: the disk is in it. */
  async signal(signal: NodeJS.Signals): Promise<void> {
    if (signal !== 'SIGKILL') throw new Error(`the simulated broker knows no ${signal}`)
    await this.#tell({ trick: 'crash' })
  }

  async play(trick: Trick): Promise<void> {
    await this.#tell(trick)
  }

  onDeath(listener: (how: string) => void): void {
    this.#listener = listener
  }

  async end(): Promise<void> {
    if (this.#child === undefined) return
    this.#child.isExpected = true
    this.#child.process.kill('SIGKILL')
    await this.#child.exited
  }

  /** One at a time. */
  #tell(told: Told): Promise<number> {
    const child = this.#child
    if (child === undefined) throw new Error('the host has not been started')
    return new Promise((resolve, reject) => {
      child.process.once('message', (answer: Answer) => {
        if ('error' in answer) reject(new Error(`${told.trick}: ${answer.error}`))
        else resolve(answer.port)
      })
      void child.exited.then((how) => reject(new Error(`the host ended: ${how}`)))
      child.process.send(told)
    })
  }
}
