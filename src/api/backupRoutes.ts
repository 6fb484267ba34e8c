/** The routes of those who run a broker. */
import type { TSchema } from 'typebox'
import type { RouteContract } from './contract.ts'

export const TAR_TYPE = 'application/x-tar'
const Bytes: TSchema = { type: 'string', format: 'binary' }

export const BACKUP_ROUTES: readonly RouteContract[] = [
  {
    ...{ tag: 'Administration', path: 'backup', method: 'GET' },
    summary: 'Everything as it is at this moment, as a tar; 409 while another one is under way',
    reply: { [TAR_TYPE]: Bytes },
    errors: [409, 422],
  },
]
