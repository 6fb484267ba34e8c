import type { Platform } from '../../src/kernel/platform.ts'
import { openTestEngine, temporaryDirectory } from '../unit/log/support.ts'
import { lanesContract } from './lanesContract.ts'
import { partitionLogContract } from './partitionLogContract.ts'

const segmented = (platform: Platform) =>
  openTestEngine({ directory: temporaryDirectory(), platform })

partitionLogContract('segmented', segmented)
lanesContract('segmented', segmented)

// Every read goes to the files.
const withoutCaches = (platform: Platform) =>
  openTestEngine({
    directory: temporaryDirectory(),
    platform,
    options: { tailCacheBytes: 0, indexCacheBytes: 0, maxOpenFiles: 2 },
  })

partitionLogContract('segmented, without a tail cache', withoutCaches)
lanesContract('segmented, without caches', withoutCaches)
