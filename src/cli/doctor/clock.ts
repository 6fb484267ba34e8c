/** Whether two clocks agree: delayed messages, retention and seeks by time go by the broker's. */
import { type Finding, ok, warning } from '../../kernel/finding.ts'
import { SECOND_MS } from '../../kernel/units.ts'

/** Milliseconds since 1970, the first two by our clock. */
export interface TimedAnswer {
  readonly sentAtMs: number
  readonly receivedAtMs: number
  readonly brokerAtMs: number
}

const DIFFERENCE_MS_MAX = 1 * SECOND_MS

/** The broker's time lies between sending and receiving, where the clocks agree; the least difference counts. */
export function clockFinding({ sentAtMs, receivedAtMs, brokerAtMs }: TimedAnswer): Finding {
  const ahead = Math.max(0, brokerAtMs - receivedAtMs)
  const behind = Math.max(0, sentAtMs - brokerAtMs)
  const seconds = (Math.max(ahead, behind) / SECOND_MS).toFixed(1)
  if (Math.max(ahead, behind) <= DIFFERENCE_MS_MAX) return ok('clock', 'agrees with this machine')
  return warning('clock', {
    message: `the broker's is ${seconds} s ${ahead > 0 ? 'ahead of' : 'behind'} this machine's`,
    advice:
      'let both follow one time server (chrony, systemd-timesyncd): times of delivery are by the broker',
  })
}
