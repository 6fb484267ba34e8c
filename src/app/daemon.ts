/**
 * The daemon: rooms made, joined and started bottom up; stopped top down.
 *
 *   engine (takes the directory) ─▶ listener (takes the port, answers "recovering") ─▶ broker (replays) ─▶ ready
 *
 * The directory and the port come first: what another process may hold is found out before anything is replayed.
 * Stopping, listener and broker go together: the listener takes nothing new while the broker answers the polls
 * that wait; the engine closes last.
 */
import { Broker } from '../broker/index.ts'
import type { Settings } from '../config/index.ts'
import { nodeFileSystem } from '../io/index.ts'
import { formatDurationMs } from '../kernel/duration.ts'
import { invariant } from '../kernel/invariant.ts'
import type { Platform } from '../kernel/platform.ts'
import { systemClock } from '../kernel/systemClock.ts'
import { VERSION } from '../kernel/version.ts'
import { HttpListener } from '../listeners/http/index.ts'
import { type LogEngine, openSegmentedEngine } from '../log/index.ts'
import { createLogger, Meters, Metrics, type RootLogger } from '../observability/index.ts'
import { Backups } from './backup/backups.ts'
import { readCredentials, reloadCredentials } from './credentials.ts'
import { checkExposure } from './exposure.ts'
import { brokerSettings, engineOptions, listenerOptions } from './fromSettings.ts'
import { measuredFileSystem } from './measuredFileSystem.ts'
import { meterCalls } from './meterCalls.ts'
import { MeteredEngine } from './meteredEngine.ts'
import { brokerSources, httpFigures, storageFigures } from './metricSources.ts'
import { dieOf, stopOnSignals } from './signals.ts'
import { startEnded } from './startEnd.ts'
import { directoryFailure, listenFailure } from './startFailures.ts'

export interface Daemon {
  /** Where it listens: `http://127.0.0.1:8080`. */
  readonly url: string
  readonly topicCount: number
  readonly logger: RootLogger
  /** Reads keys and certificate again. Never rejects: what is wrong with them is logged. */
  reload(): Promise<void>
  /** Resolves when everything is on disk, the port and the directory are free. */
  stop(): Promise<void>
}

export interface DaemonOptions {
  readonly settings: Settings
  /** Whether a person looks at standard output. */
  readonly terminal: boolean
  /** Whether standard output takes colours. */
  readonly colour: boolean
  /** Ends the process in order at SIGTERM, SIGINT and their like, once it has said that it is ready. Default false. */
  readonly stopsOnSignals?: boolean
}

/** Resolves when it takes work. Rejects with a Failure or a BrokerError that says what is in the way. */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const { settings } = options
  const logger = await loggerFor(options)
  const startedMs = systemClock.monotonicMs()
  const life: Life = { settings, logger, undo: [] }
  const starting = start(life)
  let undone: Promise<void> | undefined
  const stop = async (): Promise<void> => {
    await startEnded(starting, logger)
    undone ??= undoAll(life.undo)
    await undone
  }
  const reload = (): Promise<void> => reloadCredentials(life)
  // From the first moment on: a start that recovers takes its time, and may be called off.
  const ignoreSignals = options.stopsOnSignals
    ? stopOnSignals({ stop }, logger, { reload })
    : undefined
  try {
    const { broker, listener } = await starting
    const url = urlOf(listener)
    const { topicCount, totalSizeBytes } = broker.status()
    const took = formatDurationMs(systemClock.monotonicMs() - startedMs)
    logger.info({ url, dataDir: settings.dataDir, topicCount, totalSizeBytes, took }, 'ready')
    return { url, topicCount, logger, reload, stop }
  } catch (error) {
    await stop()
    ignoreSignals?.()
    throw error
  }
}

async function loggerFor({ settings, terminal, colour }: DaemonOptions): Promise<RootLogger> {
  const { logFormat, logLevel } = settings
  const format = logFormat === 'auto' ? (terminal ? 'pretty' : 'json') : logFormat
  return await createLogger({ level: logLevel, format, colour })
}

type Undo = () => void | Promise<void>

/** The last thing that was done is undone first; a second call does nothing. */
async function undoAll(undo: Undo[]): Promise<void> {
  for (let last = undo.pop(); last !== undefined; last = undo.pop()) await last()
}

interface Life {
  readonly settings: Settings
  readonly logger: RootLogger
  /** Takes how to undo each step, so that a start that fails half-way leaves nothing behind. */
  readonly undo: Undo[]
  /** From the moment on that there is one. */
  listener?: HttpListener
}

async function start(life: Life) {
  const { settings, logger, undo } = life
  const credentials = await readCredentials(settings, logger)
  checkExposure(settings, credentials, logger)
  const platform: Platform = { clock: systemClock, random: Math.random, logger }
  const meters = new Meters()
  const storage = await openEngine(settings, platform, meters)
  const engine = new MeteredEngine(storage, platform.clock)
  undo.push(() => engine.close())
  const broker = new Broker({
    engine,
    platform,
    settings: brokerSettings(settings),
    interceptors: [meterCalls(meters, platform.clock)],
  })
  const sources = {
    ...brokerSources(broker),
    http: () => httpFigures(listener),
    storage: () => storageFigures(engine, settings.dataDir),
  }
  const metrics = new Metrics(meters, sources, { version: VERSION })
  undo.push(() => metrics.close())
  const backups = new Backups({
    engine: storage,
    platform,
    isRunning: () => broker.status().state === 'running',
  })
  const listener: HttpListener = new HttpListener({
    broker,
    platform,
    metrics,
    build: { version: VERSION },
    health: () => broker.health(),
    onFatal: (error) => dieOf(error, logger),
    options: listenerOptions(settings),
    credentials,
    backup: () => backups.begin(),
  })
  life.listener = listener
  undo.push(async () => {
    await Promise.all([listener.stop(), broker.stop()])
  })
  await listener.start().catch((error: unknown) => {
    throw listenFailure(error, settings)
  })
  await broker.start()
  return { broker, listener }
}

/** One that a browser on this machine can open: an address that stands for all of them is shown as the local one. */
function urlOf({ address }: HttpListener): string {
  invariant(address !== undefined, 'a listener that has started has an address')
  const isAny = address.host === '0.0.0.0' || address.host === '::'
  return isAny ? address.url.replace(/\/\/.*(?=:\d+$)/, '//127.0.0.1') : address.url
}

async function openEngine(
  settings: Settings,
  platform: Platform,
  meters: Meters,
): Promise<LogEngine> {
  const directory = settings.dataDir
  const measuring = { clock: platform.clock, meters, directory }
  const fileSystem = measuredFileSystem(nodeFileSystem, measuring)
  try {
    return await openSegmentedEngine({
      directory,
      fileSystem,
      platform,
      options: engineOptions(settings),
    })
  } catch (error) {
    throw directoryFailure(error, directory)
  }
}
