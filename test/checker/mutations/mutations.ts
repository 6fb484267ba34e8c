/**
 * Planted bugs: small changes of the sources, each of which breaks one promise. A checker that finds them is worth
 * believing when it finds nothing. They exist in this table alone: a copy is built with one of them, the tree never
 * holds any.
 */
import type { SourceChange } from '../brokers/build.ts'
import type { Check } from '../check/finding.ts'
import type { Feature } from '../workloads/workload.ts'

export interface Mutation extends SourceChange {
  readonly name: string
  /** Under which clients and which fault it shows. */
  readonly feature: Feature
  readonly fault: string
  /** What it is to be caught by. */
  readonly expects: readonly Check[]
}

/** All events are journaled but those of one type. */
const withoutEvents = (type: string): string => `
    const kept = encoded.filter((_, i) => (events[i] as any).type !== '${type}')
    if (kept.length > 0) journal.add(kept)`

export const MUTATIONS: readonly Mutation[] = [
  {
    name: 'sync skipped: acks all is answered from the page cache',
    file: 'src/log/segmented/syncLoop.ts',
    find: 'await handle.datasync()',
    replace: 'void handle',
    ...{ feature: 'log', fault: 'power', expects: ['lost', 'unreadable'] },
  },
  {
    name: 'recovery cuts one record too many',
    file: 'src/log/segmented/recovery.ts',
    find: 'fileEnd: size, indexer',
    replace: "fileEnd: segment.log.path.includes('/log~') ? Math.max(0, size - 1) : size, indexer",
    ...{ feature: 'log', fault: 'kill', expects: ['lost'] },
  },
  {
    name: 'recovery keeps the first part of a torn batch',
    file: 'src/log/segmented/walk.ts',
    find: 'if (hasMore(bytes, at)) return\n',
    replace: '\n',
    ...{ feature: 'log', fault: 'power', expects: ['torn batch', 'duplicate'] },
  },
  {
    name: 'offset index off by one',
    file: 'src/log/segmented/indexBuilder.ts',
    find: 'this.#offsets.push(offset, position',
    replace: 'this.#offsets.push(offset + 1, position',
    ...{ feature: 'log', fault: 'kill', expects: ['unreadable', 'read skips'] },
  },
  {
    name: 'producer sequences not checked',
    file: 'src/topics/producers.ts',
    find: "if (admission.kind === 'append') {",
    replace: 'if (admission !== undefined) {',
    ...{ feature: 'log', fault: 'network', expects: ['duplicate'] },
  },
  {
    name: 'lane entry dropped: some runs of one record are not in the index',
    file: 'src/log/laneRuns.ts',
    find: 'this.#list(lane).add(from, to)',
    replace: 'if (to - from > 1 || from % 5 !== 0) this.#list(lane).add(from, to)',
    ...{ feature: 'priority', fault: 'none', expects: ['passed over', 'left over'] },
  },
  {
    name: 'floor moved one record too far',
    file: 'src/delivery/machine/machine.ts',
    find: 'window.moveTo(behind)',
    replace: 'window.moveTo(behind + 1)',
    ...{ feature: 'queue', fault: 'none', expects: ['passed over'] },
  },
  {
    name: 'lease not journaled',
    file: 'src/state/runner.ts',
    find: 'journal.add(encoded)',
    replace: withoutEvents('leased'),
    ...{ feature: 'queue', fault: 'kill', expects: ['lease repeated', 'two holders'] },
  },
  {
    name: 'ack not journaled',
    file: 'src/state/runner.ts',
    find: 'journal.add(encoded)',
    replace: withoutEvents('settled'),
    ...{ feature: 'queue', fault: 'kill', expects: ['settled and handed out'] },
  },
  {
    name: 'ack_durability all waits for no sync',
    file: 'src/delivery/durability.ts',
    find: "acks === 'leader' ?",
    replace: 'acks !== undefined ?',
    feature: 'durable',
    fault: 'power',
    expects: ['settled and handed out', 'lease repeated', 'settled twice', 'two holders'],
  },
  {
    name: 'visibility ignored: leases last 100 ms',
    file: 'src/delivery/machine/lease.ts',
    find: 'const deadlineMs = nowMs + Math.min(',
    replace: 'const deadlineMs = nowMs + Math.min(100, ',
    ...{ feature: 'queue', fault: 'none', expects: ['two holders'] },
  },
  {
    name: 'a nack settles',
    file: 'src/delivery/machine/receipts.ts',
    find: 'return failing(world, window, said)',
    replace:
      "return said.kind === 'nack' ? settling(window, 'ack', true) : failing(world, window, said)",
    ...{ feature: 'queue', fault: 'none', expects: ['passed over'] },
  },
  {
    name: 'generation not checked',
    file: 'src/groups/decide.ts',
    find: 'if (generation === group.generation) return\n',
    replace: 'if (generation <= group.generation) return\n',
    ...{ feature: 'groups', fault: 'none', expects: ['stale commit taken'] },
  },
  {
    name: 'commits go back',
    file: 'src/groups/decide.ts',
    find: 'offset: Math.max(before ?? 0, offset)',
    replace: 'offset',
    ...{ feature: 'groups', fault: 'none', expects: ['floor went back'] },
  },
  {
    name: 'two members are assigned one partition',
    file: 'src/groups/assignors.ts',
    find: 'if (to > from) draft.get(memberId)?.set(topic, new PartitionRange(from, to))',
    replace:
      'if (to > from) draft.get(memberId)?.set(topic, new PartitionRange(Math.max(0, from - 1), to))',
    ...{ feature: 'groups', fault: 'none', expects: ['two owners'] },
  },
  {
    name: 'cancel not journaled',
    file: 'src/delay/delayLog.ts',
    find: 'batch: () => cancelBatch(offset)',
    replace: 'batch: () => cancelBatch(offset + 100_000)',
    ...{ feature: 'delay', fault: 'kill', expects: ['cancelled came'] },
  },
  {
    name: 'what was delivered is not looked for at the start',
    file: 'src/delay/replay.ts',
    find: 'if (index.settle(waited, STATE.DELIVERED)) found.push(waited)',
    replace: 'void waited',
    ...{ feature: 'delay', fault: 'kill', expects: ['duplicate'] },
  },
  {
    name: 'delayed messages fire 200 ms early',
    file: 'src/delay/delayLog.ts',
    find: 'const times = takeDueTimes(batch, this.target.index)',
    replace:
      'const times = takeDueTimes(batch, this.target.index)\n    for (let i = 0; i < times.dueMs.length; i += 1) times.dueMs[i] -= 200',
    ...{ feature: 'delay', fault: 'none', expects: ['early'] },
  },
]
