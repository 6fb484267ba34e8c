/** What guards the door: API keys and the certificate, read from where the settings say, and read again on demand. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import {
  ConfigError,
  type ConfigProblem,
  parseKeysFile,
  parseKeysList,
  type Settings,
} from '../config/index.ts'
import { isReadableByAll, nodeFileSystem, readWholeFile } from '../io/index.ts'
import type { Logger } from '../kernel/platform.ts'
import type { Credentials, HttpListener } from '../listeners/http/index.ts'

type Problems = ConfigProblem[]

/** Rejects with a ConfigError that names everything that is wrong; what is merely unwise is logged. */
export async function readCredentials(settings: Settings, logger: Logger): Promise<Credentials> {
  const problems: Problems = []
  const apiKeys = await readKeys(settings, problems)
  const tls = await readCertificate(settings, problems)
  if (problems.length > 0) throw new ConfigError(problems)
  for (const path of [settings.apiKeysFile, settings.tlsKeyFile]) {
    if (path === '' || !(await isReadableByAll(path))) continue
    logger.warn({ path }, 'every user of this machine may read this secret: chmod 600 it')
  }
  if (tls !== undefined) warnOfExpiry(tls.cert, logger)
  return { apiKeys, tls }
}

export interface Reloading {
  readonly settings: Settings
  readonly logger: Logger
  readonly listener?: Pick<HttpListener, 'replaceCredentials'>
}

/** Never rejects: what is wrong with the new ones is logged, and those from before hold. */
export async function reloadCredentials({ settings, logger, listener }: Reloading): Promise<void> {
  try {
    const credentials = await readCredentials(settings, logger)
    listener?.replaceCredentials(credentials)
    const { apiKeys, tls } = credentials
    logger.info(
      { apiKeys: apiKeys.length, tls: tls !== undefined },
      'keys and certificate reloaded',
    )
  } catch (error) {
    logger.error({ error }, 'keys and certificate stay as they were')
  }
}

/** Those of the variable and those of the file together. */
async function readKeys(settings: Settings, problems: Problems): Promise<Credentials['apiKeys']> {
  const { apiKeys, apiKeysFile: path } = settings
  const listed = parseKeysList(apiKeys, 'GOQUEUE_API_KEYS')
  const bytes = await readNamed('api-keys-file', path, problems)
  const filed = bytes === undefined ? undefined : parseKeysFile({ path, text: bytes.toString() })
  problems.push(...listed.problems, ...(filed?.problems ?? []))
  return [...listed.keys, ...(filed?.keys ?? [])]
}

async function readCertificate(
  { tlsCertFile, tlsKeyFile }: Settings,
  problems: Problems,
): Promise<Credentials['tls']> {
  if ((tlsCertFile === '') !== (tlsKeyFile === '')) {
    const [given, missing] =
      tlsKeyFile === '' ? ['tls-cert-file', 'tls-key-file'] : ['tls-key-file', 'tls-cert-file']
    problems.push({ where: given, message: `needs ${missing} beside it` })
    return undefined
  }
  const cert = await readNamed('tls-cert-file', tlsCertFile, problems)
  const key = await readNamed('tls-key-file', tlsKeyFile, problems)
  if (cert === undefined || key === undefined) return undefined
  const note = (where: string, message: string): undefined => {
    problems.push({ where, message })
  }
  const certificate = certificateOf(cert) ?? note(tlsCertFile, 'is not a certificate in PEM')
  const secret = privateKeyOf(key) ?? note(tlsKeyFile, 'is not a private key in PEM, unencrypted')
  if (certificate === undefined || secret === undefined) return undefined
  if (certificate.checkPrivateKey(secret)) return { cert, key }
  return note(tlsKeyFile, `is not the key of the certificate ${tlsCertFile}`)
}

/** Undefined where no file is named, or it cannot be read: a problem then. */
async function readNamed(
  setting: string,
  path: string,
  problems: Problems,
): Promise<Buffer | undefined> {
  if (path === '') return undefined
  try {
    const bytes = await readWholeFile(nodeFileSystem, path)
    if (bytes !== undefined) return bytes
    problems.push({ where: setting, message: `there is no file ${path}` })
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    problems.push({ where: setting, message: `cannot read ${path}: ${why}` })
  }
  return undefined
}

function certificateOf(pem: Buffer): X509Certificate | undefined {
  try {
    return new X509Certificate(pem)
  } catch {
    return undefined
  }
}

function privateKeyOf(pem: Buffer): KeyObject | undefined {
  try {
    return createPrivateKey(pem)
  } catch {
    return undefined
  }
}

function warnOfExpiry(pem: Buffer, logger: Logger): void {
  const validTo = certificateOf(pem)?.validTo
  if (validTo === undefined || Date.parse(validTo) > Date.now()) return
  logger.warn({ validTo }, 'the certificate has expired: clients will refuse it')
}
