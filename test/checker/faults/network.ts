/** What happens between clients and broker: connections end anywhere, bytes come late or a few at a time. */
import type { Weather } from '../brokers/relay.ts'
import { pause } from '../clients/http.ts'
import type { Fault } from './fault.ts'

const WEATHERS: readonly Weather[] = [
  { delayMsMax: 30, chunkBytesMax: 65_536, cutShare: 0 },
  { delayMsMax: 3, chunkBytesMax: 200, cutShare: 0 },
  { delayMsMax: 5, chunkBytesMax: 65_536, cutShare: 0.03 },
  { delayMsMax: 10, chunkBytesMax: 500, cutShare: 0.01 },
]

export const network: Fault = {
  name: 'network',
  on: 'daemon',
  loses: [],
  restMs: [100, 800],
  async strike({ relay, random }) {
    relay.weather = random.pick(WEATHERS)
    await pause(random.between(200, 2000))
    relay.weather = undefined
    if (random.chance(0.5)) relay.cut(random.next())
  },
  async heal({ relay }) {
    relay.weather = undefined
  },
}
