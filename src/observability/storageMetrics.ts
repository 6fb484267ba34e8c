/** Logs, journals and the disk below them, shown when the metrics are scraped. */
import { Gauge, type Registry } from 'prom-client'
import { type FigureTable, figureCounters, figureGauges } from './figureMetrics.ts'
import { PlainHistogram } from './plainHistogram.ts'
import { AREAS, type Area, type AreaMeter, type StorageMeters } from './storageMeters.ts'

/** All logs of an area. */
export interface AreaSize {
  readonly area: Area
  readonly sizeBytes: number
  readonly segments: number
}

/** A state machine's memory on disk. */
export interface MachineFigures {
  /** `topics`, `groups`, `delivery`, `redrives`: a closed set. */
  readonly machine: string
  readonly journalBytes: number
  /** Events that the journal holds. */
  readonly journalEvents: number
  /** Of the newest; 0 where there is none. */
  readonly snapshotBytes: number
  /** These three since the start. */
  readonly snapshots: number
  readonly snapshotFailures: number
  readonly snapshotSeconds: number
}

export interface DiskSpace {
  /** Left for the broker. */
  readonly freeBytes: number
  readonly sizeBytes: number
}

export interface StorageFigures {
  readonly areas: readonly AreaSize[]
  readonly machines: readonly MachineFigures[]
  /** Undefined where the system does not say. */
  readonly disk: DiskSpace | undefined
}

type Write = Exclude<keyof AreaMeter, 'write'>

const AREA_COUNTERS: FigureTable<Write> = {
  goqueue_log_written_bytes_total: [
    'Bytes written to files of the data directory, indexes included, by area.',
    'writtenBytes',
  ],
  goqueue_log_write_failures_total: [
    'Writes that the disk refused, by area: it is full, or failing.',
    'writeFailures',
  ],
  goqueue_log_segments_removed_total: [
    'Segments removed by retention or since a snapshot holds them, by area.',
    'segmentsRemoved',
  ],
}

/** What the files did. Returns how to bring counters up to date. */
export function registerFiles(registry: Registry, meters: StorageMeters): () => void {
  const { areas } = meters
  const showAreas = figureCounters(registry, AREA_COUNTERS, ['area'])
  new PlainHistogram({
    name: 'goqueue_log_write_duration_seconds',
    help: 'Time one write of appended records or index entries took, by area.',
    labelNames: ['area'],
    registry,
    series: () => AREAS.map((area) => [{ area }, areas[area].write]),
  })
  const open = new Gauge({
    name: 'goqueue_log_open_files',
    help: 'Files of the data directory that are open; max-open-files is the limit for segments.',
    registers: [registry],
  })
  return () => {
    showAreas(AREAS.map((area) => [{ area }, areas[area]]))
    open.set(meters.openFiles)
  }
}

const SIZE_GAUGES: FigureTable<'sizeBytes' | 'segments'> = {
  goqueue_log_size_bytes: ['Size of all logs, by area.', 'sizeBytes'],
  goqueue_log_segments: ['Segments of all logs, by area.', 'segments'],
}

type Machine = Exclude<keyof MachineFigures, 'machine'>

const MACHINE_GAUGES: FigureTable<Machine> = {
  goqueue_journal_size_bytes: ['Size of the journal of a state machine.', 'journalBytes'],
  goqueue_journal_events: ['Events that the journal of a state machine holds.', 'journalEvents'],
  goqueue_snapshot_size_bytes: [
    'Size of the newest snapshot of a state machine; 0 where there is none.',
    'snapshotBytes',
  ],
}
const MACHINE_COUNTERS: FigureTable<Machine> = {
  goqueue_snapshots_total: ['Snapshots written, by state machine.', 'snapshots'],
  goqueue_snapshot_failures_total: [
    'Snapshots that could not be written; the journal still holds all.',
    'snapshotFailures',
  ],
  goqueue_snapshot_write_seconds_total: [
    'Time spent on writing snapshots, their encoding not counted.',
    'snapshotSeconds',
  ],
}

/** Returns how to bring sizes up to date. */
export function registerStorage(
  registry: Registry,
  figures: () => Promise<StorageFigures>,
): () => Promise<void> {
  const showSizes = figureGauges(registry, SIZE_GAUGES, ['area'])
  const showMachines = figureGauges(registry, MACHINE_GAUGES, ['machine'])
  const showSnapshots = figureCounters(registry, MACHINE_COUNTERS, ['machine'])
  const showDisk = registerDisk(registry)
  return async () => {
    const { areas, machines, disk } = await figures()
    showSizes(areas.map((figures) => [{ area: figures.area }, figures]))
    const series = machines.map((figures) => [{ machine: figures.machine }, figures] as const)
    showMachines(series)
    showSnapshots(series)
    showDisk(disk)
  }
}

/** Nothing is shown where nothing is known: a 0 would be an alarm. */
function registerDisk(registry: Registry): (disk: DiskSpace | undefined) => void {
  const registers = [registry]
  const help = 'Room left for the broker on the disk of the data directory.'
  const free = new Gauge({ name: 'goqueue_disk_free_bytes', help, registers })
  const sizeHelp = 'Size of the disk of the data directory.'
  const size = new Gauge({ name: 'goqueue_disk_size_bytes', help: sizeHelp, registers })
  return (disk) => {
    if (disk === undefined) {
      for (const gauge of [free, size]) gauge.remove()
      return
    }
    free.set(disk.freeBytes)
    size.set(disk.sizeBytes)
  }
}
