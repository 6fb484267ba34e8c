import { afterEach, describe, expect, test, vi } from 'vitest'
import { startEnded } from '../../../src/app/startEnd.ts'
import { silentLogger } from '../../../src/kernel/platform.ts'

const logger = { ...silentLogger, fatal: () => undefined }

afterEach(() => void vi.useRealTimers())

describe('a start that is called off', () => {
  test('is waited for, however it ends', async () => {
    await startEnded(Promise.resolve(), logger)
    await startEnded(Promise.reject(new Error('no')), logger)
  })

  test('is cut off with 0 where it takes long', () => {
    vi.useFakeTimers()
    const exit = vi.spyOn(process, 'exit').mockImplementation((() => undefined) as never)
    void startEnded(new Promise(() => {}), logger)
    vi.advanceTimersByTime(3_999)
    expect(exit).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect(exit).toHaveBeenCalledWith(0)
  })
})
