/**
 * Examining a running daemon over its public routes: two looks, a little apart, so that what grows is told from what
 * is only there.
 */

import { Admin, type Connection, type Readiness } from '../../client/index.ts'
import { BrokerError } from '../../kernel/errors.ts'
import { type Finding, ok, problem, warning } from '../../kernel/finding.ts'
import { VERSION } from '../../kernel/version.ts'
import { figuresBetween } from '../top/figures.ts'
import { type Look, look } from '../top/look.ts'
import { clockFinding, type TimedAnswer } from './clock.ts'
import { figureFindings } from './figureFindings.ts'

export interface DaemonExamination {
  readonly connection: Connection
  /** Resolves when it is time for the second look. */
  readonly pause: () => Promise<void>
}

/** One finding a check, each as soon as it is known. Rejects with what waiting does not mend, such as a wrong key. */
export async function* examineDaemon({
  connection,
  pause,
}: DaemonExamination): AsyncGenerator<Finding> {
  const admin = new Admin(connection)
  let answer: TimedAnswer
  try {
    answer = await timed(connection)
    yield ok('reachable', `${connection.url} answers`)
    yield versionFinding((await admin.version()).version)
  } catch (error) {
    yield unreachable(connection.url, error)
    return
  }
  yield clockFinding(answer)
  yield* readinessFindings(await admin.readiness())
  try {
    const before = await look(connection)
    await pause()
    const now = await look(connection)
    yield* figureFindings({ before, now, figures: figuresBetween(before, now) })
  } catch (error) {
    if (!(error instanceof BrokerError && error.retryable)) throw error
    yield warning('figures', {
      message: `what it does cannot be seen: ${error.message}`,
      advice: 'ask again once it is ready',
    })
  }
}

export type Looks = {
  readonly before: Look
  readonly now: Look
  readonly figures: ReturnType<typeof figuresBetween>
}

async function timed(connection: Connection): Promise<TimedAnswer> {
  const sentAtMs = Date.now()
  const answer = await connection.askJson({ method: 'GET', path: '/livez', alsoAnswers: [503] })
  const { timestamp } = answer as { readonly timestamp: string }
  return { sentAtMs, receivedAtMs: Date.now(), brokerAtMs: Date.parse(timestamp) }
}

const unreachable = (url: string, error: unknown): Finding =>
  problem('reachable', {
    message: error instanceof Error ? error.message : String(error),
    advice: `start a broker with \`goqueue serve\`, or name another than ${url} with --url`,
  })

const versionFinding = (version: string): Finding =>
  version === VERSION
    ? ok('version', `${version}, as this command`)
    : warning('version', {
        message: `the broker is ${version}, this command ${VERSION}`,
        advice:
          'use the command of the same version: a newer one may ask for what an older broker has not',
      })

function* readinessFindings({ status, message, checks }: Readiness): Generator<Finding> {
  const failing = Object.entries(checks).filter(([, check]) => check.status !== 'pass')
  const details = failing.map(([name, check]) => `${name}: ${check.message}`)
  if (status === 'fail') {
    yield problem('ready', {
      message: `it takes no work: ${message ?? 'not ready'}`,
      advice: 'wait if it recovers; else its log says why, and what to do',
      details,
    })
    return
  }
  yield ok('ready', 'it takes work')
  if (failing.length === 0) {
    yield ok('parts', 'all of it serves')
    return
  }
  yield problem('parts', {
    message: 'a part of it does not serve',
    advice:
      'a fenced or unavailable partition needs a restart once the disk is mended; ' +
      '`goqueue doctor --data-dir` looks at its files',
    details,
  })
}
