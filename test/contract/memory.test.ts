import { memoryEngine } from '../../src/log/index.ts'
import { lanesContract } from './lanesContract.ts'
import { partitionLogContract } from './partitionLogContract.ts'

partitionLogContract('memory', async (platform) => memoryEngine(platform))
lanesContract('memory', async (platform) => memoryEngine(platform))
