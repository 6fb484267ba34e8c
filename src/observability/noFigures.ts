/** Sources of a broker in which nothing ever happened: what the reference page is made from, and tests begin with. */
import type { MetricSources } from './metrics.ts'

const NO_BUCKETS = { bounds: [], counts: [0], sum: 0 }

export const NO_FIGURES: MetricSources = {
  topics: () => [],
  load: () => ({ waiters: 0, publishesInFlight: 0, publishBytesInFlight: 0 }),
  unavailablePartitions: () => 0,
  retention: () => ({ removedRecords: 0, failures: 0 }),
  recovery: () => new Map(),
  groups: () => ({
    groups: 0,
    members: 0,
    rebalances: 0,
    evictions: 0,
    commits: 0,
    retentionSkipped: 0,
  }),
  groupLags: () => Promise.resolve([]),
  deliveries: () => ({
    handedOut: 0,
    takenBack: 0,
    acks: 0,
    commits: 0,
    nacks: 0,
    rejects: 0,
    expiries: 0,
    deaths: 0,
    extensions: 0,
    buried: 0,
    redriven: 0,
    inFlight: 0,
    unresolved: 0,
    waiting: 0,
    ready: 0,
    dying: 0,
    deadLetters: 0,
    pollsWaiting: 0,
    tasksRunning: 0,
  }),
  delays: () => ({ pending: 0, delivered: 0, cancelled: 0, expired: 0, lateness: NO_BUCKETS }),
  priorities: () => ({ ready: [], inFlight: [], served: [], waits: [] }),
  http: () => ({
    requestsInFlight: 0,
    longPollsWaiting: 0,
    bytesInFlight: 0,
    clientErrors: 0,
    connectionsRefused: 0,
    refusals: new Map(),
    routes: [],
  }),
  storage: () => Promise.resolve({ areas: [], machines: [], disk: undefined }),
}
