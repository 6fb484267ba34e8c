/**
 * A process that holds the broker behind a real listener, on a simulated disk and with a clock that can be told to
 * step. It is told what to do over its parent's channel, and answers with the port where the broker takes work.
 *
 *   HOST_SEED: chance of the disk
 */
import { subscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import { Broker } from '../../../src/broker/index.ts'
import { type Platform, silentLogger } from '../../../src/kernel/platform.ts'
import { systemClock } from '../../../src/kernel/systemClock.ts'
import { HttpListener } from '../../../src/listeners/http/index.ts'
import { openSegmentedEngine } from '../../../src/log/index.ts'
import type { PlannedFault } from '../../support/disk/faults.ts'
import { SeededRandom } from '../../support/random.ts'
import { SimulatedDisk } from '../../support/simulatedDisk.ts'
import type { Told } from './broker.ts'

const seed = Number(process.env['HOST_SEED'] ?? 1)
const random = new SeededRandom(seed)
const disk = new SimulatedDisk(seed)
let failing: PlannedFault | undefined
let aheadMs = 0
const platform: Platform = {
  clock: { ...systemClock, nowMs: () => Date.now() + aheadMs },
  random: random.next,
  logger: process.env['HOST_LOG'] === undefined ? silentLogger : loud(),
}

/** Who has no power answers nobody: connections end with the machine, before a word of its failing disk gets out. */
const sockets = new Set<Socket>()
subscribe('net.server.socket', (message) => {
  const { socket } = message as { readonly socket: Socket }
  sockets.add(socket)
  socket.on('close', () => sockets.delete(socket))
})

interface Life {
  readonly broker: Broker
  readonly listener: HttpListener
}
let life: Life | undefined

async function start(): Promise<number> {
  const engine = await openSegmentedEngine({
    directory: '/data',
    fileSystem: disk.mount(),
    platform,
  })
  const broker = new Broker({ engine, platform })
  const { down } = disk
  void down.then(() => {
    for (const socket of sockets) socket.destroy()
  })
  const listener = new HttpListener({
    ...{ broker, platform, build: { version: '0' }, health: () => broker.health() },
    options: { port: 0 },
  })
  life = { broker, listener }
  await Promise.all([listener.start(), broker.start()])
  return listener.address?.port ?? 0
}

/** The dead one holds a port and timers in this process: it may not reach the disk any more. */
async function bury(): Promise<void> {
  const dead = life
  life = undefined
  dead?.broker.stop().catch(() => undefined)
  await dead?.listener.stop().catch(() => undefined)
}

/** Where nothing goes on there is no boundary to wait for. */
const BOUNDARY_MS_MAX = 1000

async function losePower(withinBoundaries: number | undefined): Promise<void> {
  if (withinBoundaries !== undefined) {
    const { down, crashes } = disk
    disk.cutAt(disk.boundaries + 1 + random.int(withinBoundaries))
    await Promise.race([down, new Promise((resolve) => setTimeout(resolve, BOUNDARY_MS_MAX))])
    if (disk.crashes === crashes) disk.powerLoss()
  } else disk.powerLoss()
  await bury()
}

/** Resolves with the port, of a start. */
async function play(told: Told): Promise<number> {
  switch (told.trick) {
    case 'start':
      return await start()
    case 'crash':
      disk.processCrash()
      await bury()
      break
    case 'powerLoss':
      await losePower(told.withinBoundaries)
      break
    case 'failSyncs':
      failing?.clear()
      failing = disk.fail({ operation: 'datasync', code: 'EIO', times: told.times })
      break
    case 'room':
      disk.capacityBytes = disk.usedBytes + (told.bytes ?? Number.POSITIVE_INFINITY)
      break
    case 'clock':
      aheadMs = told.aheadMs
  }
  return 0
}

function loud(): Platform['logger'] {
  const say =
    (level: string) =>
    (fields: object, message: string): void => {
      process.stderr.write(`${JSON.stringify({ level, ...fields, msg: message }, errorText)}\n`)
    }
  return { debug() {}, info: say('info'), warn: say('warn'), error: say('error') }
}

const errorText = (_key: string, value: unknown): unknown =>
  value instanceof Error ? `${value.stack}` : value

process.on('message', (told: Told) => {
  play(told).then(
    (port) => process.send?.({ port }),
    (error) => process.send?.({ error: String(error instanceof Error ? error.stack : error) }),
  )
})
process.on('disconnect', () => process.exit(0))
process.stdout.write('hosting\n')
