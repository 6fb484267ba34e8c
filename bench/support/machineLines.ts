import type { Machine } from './machine.ts'

/** The machine as the pages name it. */
export const machineLines = (machine: Machine): string =>
  `- Machine: ${machine.cpu}, ${machine.cores} cores (client and server share them), ${machine.memoryGiB} GiB; Node ${machine.node}; ${machine.kernel}; ${machine.fileSystem}`
