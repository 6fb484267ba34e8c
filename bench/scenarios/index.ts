/** Every scenario, in the order of the table. */
import type { Scenario } from '../support/scenario.ts'
import { scenario as acks100 } from './acks-100.ts'
import { scenario as acks1000 } from './acks-1000.ts'
import { scenario as appendInproc } from './append-inproc.ts'
import { scenario as consumerEachBatch } from './consumer-eachBatch.ts'
import { scenario as consumerForAwait } from './consumer-for-await.ts'
import { scenario as consumerMemory } from './consumer-memory.ts'
import { scenario as delayBusy } from './delay-busy.ts'
import { scenario as delayFire } from './delay-fire.ts'
import { scenario as delayLateness } from './delay-lateness.ts'
import { scenario as delayPending } from './delay-pending.ts'
import { scenario as delaySchedule } from './delay-schedule.ts'
import { scenario as handler2000 } from './handler-2000.ts'
import { scenario as handler10000 } from './handler-10000.ts'
import { scenario as idlePolls } from './idle-polls.ts'
import { scenario as json1 } from './json-1.ts'
import { scenario as json100 } from './json-100.ts'
import { scenario as json1000 } from './json-1000.ts'
import { scenario as jsonSingle } from './json-single.ts'
import { scenario as lanesHog } from './lanes-hog.ts'
import { scenario as lanesNone } from './lanes-none.ts'
import { scenario as lanesScattered } from './lanes-scattered.ts'
import { scenario as lanesUrgent } from './lanes-urgent.ts'
import { scenario as lanesWork } from './lanes-work.ts'
import { scenario as latency2000 } from './latency-2000.ts'
import { scenario as latency10000 } from './latency-10000.ts'
import { scenario as producerMemory } from './producer-memory.ts'
import { scenario as producerSend } from './producer-send.ts'
import { scenario as producerSendAll } from './producer-send-all.ts'
import { scenario as producerSendBatch } from './producer-sendBatch.ts'
import { scenario as producerSendBatchAll } from './producer-sendBatch-all.ts'
import { scenario as raw1k100 } from './raw-1k-100.ts'
import { scenario as raw100 } from './raw-100.ts'
import { scenario as raw100All } from './raw-100-all.ts'
import { scenario as raw1000 } from './raw-1000.ts'
import { scenario as raw1000All } from './raw-1000-all.ts'
import { scenario as readCold } from './read-cold.ts'
import { scenario as readJson } from './read-json.ts'
import { scenario as readRaw } from './read-raw.ts'
import { scenario as sizeLeases } from './size-leases.ts'
import { scenario as sizeSteady } from './size-steady.ts'
import { scenario as sizeStored } from './size-stored.ts'
import { scenario as startClean } from './start-clean.ts'
import { scenario as startKilled } from './start-killed.ts'
import { scenario as stats } from './stats.ts'
import { scenario as wakeUp } from './wake-up.ts'
import { scenario as wholePath } from './whole-path.ts'
import { scenario as work10000 } from './work-10000.ts'
import { scenario as workAck } from './work-ack.ts'
import { scenario as workBeside } from './work-beside.ts'
import { scenario as workJson1 } from './work-json-1.ts'
import { scenario as workJson100 } from './work-json-100.ts'

export const SCENARIOS: readonly Scenario[] = [
  appendInproc,
  json1,
  jsonSingle,
  json100,
  json1000,
  raw100,
  raw1000,
  raw1k100,
  acks100,
  acks1000,
  raw100All,
  raw1000All,
  readRaw,
  readJson,
  latency2000,
  latency10000,
  producerSendBatch,
  producerSend,
  producerSendBatchAll,
  producerSendAll,
  consumerEachBatch,
  consumerForAwait,
  handler2000,
  handler10000,
  wholePath,
  workAck,
  workJson100,
  workJson1,
  workBeside,
  work10000,
  delaySchedule,
  delayFire,
  delayLateness,
  delayBusy,
  lanesWork,
  lanesScattered,
  lanesNone,
  lanesUrgent,
  lanesHog,
  stats,
  producerMemory,
  consumerMemory,
  readCold,
  idlePolls,
  wakeUp,
  sizeStored,
  sizeLeases,
  delayPending,
  sizeSteady,
  startClean,
  startKilled,
]
