import type { Argv } from 'yargs'
import { BrokerError } from '../../kernel/errors.ts'
import { VERSION } from '../../kernel/version.ts'
import { type Cli, outputFor, withConnection } from '../context.ts'
import { brokerOptions, formatOption } from '../options.ts'

/** `goqueue version`: of this program and, where one answers, of the broker. */
export const versionCommand = (yargs: Argv, cli: Cli): Argv =>
  yargs.command(
    'version',
    'Print the version of this program and of the broker',
    (command) => formatOption(brokerOptions(command)).example('$0 version', ''),
    async ({ url, output }) => {
      const out = outputFor(cli, output)
      const broker = await brokerVersion(cli, url)
      const versions = { version: VERSION, node_version: process.version, broker: broker ?? null }
      out.result(versions, () => {
        out.line(`goqueue ${VERSION}, Node ${process.version}`)
        out.line(broker === undefined ? 'no broker answers' : `broker  ${broker}`)
      })
    },
  )

async function brokerVersion(cli: Cli, url: string | undefined): Promise<string | undefined> {
  try {
    return await withConnection(cli, url, async ({ Admin }, connection) => {
      const { version } = await new Admin(connection).version()
      return version
    })
  } catch (error) {
    if (error instanceof BrokerError && error.code === 'CONNECTION_FAILED') return undefined
    throw error
  }
}
