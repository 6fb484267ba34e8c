import { describe, expect, test } from 'vitest'
import { BrokerError } from '../../../src/kernel/errors.ts'
import { createLogger, type LoggerOptions } from '../../../src/observability/index.ts'

async function open(options: Partial<LoggerOptions> = {}) {
  const lines: string[] = []
  const destination = { write: (line: string) => void lines.push(line) }
  return {
    lines,
    logger: await createLogger({ level: 'info', format: 'json', destination, ...options }),
  }
}

describe('logger', () => {
  test('writes one JSON object a line', async () => {
    const { lines, logger } = await open()
    logger.info({ port: 8080 }, 'listening')
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(/\n$/)
    expect(JSON.parse(lines[0] ?? '')).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      pid: process.pid,
      port: 8080,
      msg: 'listening',
    })
  })

  test('leaves out what is below its level', async () => {
    const { lines, logger } = await open({ level: 'warn' })
    logger.debug({}, 'a')
    logger.info({}, 'b')
    logger.warn({}, 'c')
    logger.error({}, 'd')
    logger.fatal({}, 'e')
    expect(lines.map((line) => JSON.parse(line).level)).toEqual(['warn', 'error', 'fatal'])
  })

  test('says nothing at all when it is silent', async () => {
    const { lines, logger } = await open({ level: 'silent' })
    logger.fatal({}, 'e')
    expect(lines).toEqual([])
  })

  test('writes an error with its code and cause', async () => {
    const { lines, logger } = await open()
    const cause = new Error('no space')
    logger.error({ error: new BrokerError('DISK_FULL', 'the disk is full', { cause }) }, 'failed')
    expect(JSON.parse(lines[0] ?? '').error).toEqual({
      type: 'BrokerError',
      code: 'DISK_FULL',
      message: 'the disk is full',
      cause: { type: 'Error', message: 'no space', stack: expect.stringContaining('logger.test') },
    })
  })

  test('writes what is called an error and is a text as it is', async () => {
    const { lines, logger } = await open()
    logger.warn({ error: 'EIO' }, 'index not written')
    expect(JSON.parse(lines[0] ?? '').error).toBe('EIO')
  })

  test('does not follow causes in a circle', async () => {
    const { lines, logger } = await open()
    const error = new Error('a')
    error.cause = error
    logger.warn({ error }, 'failed')
    expect(JSON.parse(lines[0] ?? '').error.cause.cause.message).toBe('a')
  })

  test('is readable on a terminal', async () => {
    const { lines, logger } = await open({ format: 'pretty' })
    logger.warn({ topic: 'orders' }, 'cut a torn tail')
    expect(lines[0]).toMatch(
      /^\[\d\d:\d\d:\d\d\.\d{3}\] WARN: cut a torn tail \{"topic":"orders"\}\n$/,
    )
  })
})
