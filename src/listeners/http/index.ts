/** The HTTP listener. */
export { type Outcome, type RouteStats, SECONDS_BUCKETS } from './counters.ts'
export { type HttpAddress, HttpListener, type HttpStats } from './httpListener.ts'
export {
  type BuildInfo,
  type Credentials,
  DEFAULT_HTTP_OPTIONS,
  type HttpListenerOptions,
  type HttpListenerParts,
  type MetricsText,
} from './options.ts'
