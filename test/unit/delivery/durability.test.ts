import { expect, test } from 'vitest'
import { Durability } from '../../../src/delivery/durability.ts'
import type { Ledger } from '../../../src/delivery/ledger.ts'
import type { Groups } from '../../../src/groups/index.ts'
import { BrokerError } from '../../../src/kernel/errors.ts'

const committing = (error?: BrokerError) => ({
  committed: () => (error === undefined ? Promise.resolve() : Promise.reject(error)),
})

const durability = (ledger?: BrokerError, groups?: BrokerError): Durability =>
  new Durability(committing(ledger) as unknown as Ledger, committing(groups) as unknown as Groups)

const stopped = new BrokerError('STORAGE_ERROR', 'groups stopped: EIO')

test('an ack that was journaled does not read as refused where the journal of the groups has stopped', async () => {
  await expect(durability(undefined, stopped).reached('all')).rejects.toMatchObject({
    code: 'OUTCOME_UNKNOWN',
    cause: stopped,
  })
  await expect(durability(undefined, stopped).reached('leader')).resolves.toBeUndefined()
})

test('what the journal of deliveries did not take is refused as that says', async () => {
  await expect(durability(stopped).reached('all')).rejects.toBe(stopped)
  await expect(durability(stopped).reached('leader')).rejects.toBe(stopped)
  await expect(durability().reached('all')).resolves.toBeUndefined()
})
