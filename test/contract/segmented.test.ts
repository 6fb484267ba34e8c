import { openTestEngine, temporaryDirectory } from '../unit/log/support.ts'
import { partitionLogContract } from './partitionLogContract.ts'

partitionLogContract('segmented', (platform) =>
  openTestEngine({ directory: temporaryDirectory(), platform }),
)

// Every read goes to the files.
partitionLogContract('segmented, without a tail cache', (platform) =>
  openTestEngine({
    directory: temporaryDirectory(),
    platform,
    options: { tailCacheBytes: 0, indexCacheBytes: 0, maxOpenFiles: 2 },
  }),
)
