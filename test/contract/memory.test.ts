import { memoryEngine } from '../../src/log/index.ts'
import { partitionLogContract } from './partitionLogContract.ts'

partitionLogContract('memory', async (platform) => memoryEngine(platform))
