import { describe, expect, test } from 'vitest'
import { Removals } from '../../../src/log/segmented/removals.ts'
import { Turnstile } from '../../../src/log/segmented/turnstile.ts'

describe('turnstile', () => {
  test('stops when all inside are out, and lets in who waited once it goes again', async () => {
    const turnstile = new Turnstile()
    const seen: string[] = []
    let leave = (): void => undefined
    const inside = turnstile.pass(
      () =>
        new Promise<void>((resolve) => {
          leave = () => {
            seen.push('out')
            resolve()
          }
        }),
    )
    const stopped = turnstile.stop().then(() => seen.push('stopped'))
    const waiting = turnstile.pass(async () => seen.push('in'))
    leave()
    await inside
    await stopped
    expect(seen).toEqual(['out', 'stopped'])
    turnstile.go()
    await waiting
    expect(seen).toEqual(['out', 'stopped', 'in'])
  })

  test('lets out who fails', async () => {
    const turnstile = new Turnstile()
    const failing = turnstile.pass(() => Promise.reject(new Error('no')))
    await expect(failing).rejects.toThrow('no')
    await turnstile.stop()
  })
})

describe('removals', () => {
  test('put off are done when the last holder lets go, which it can only once', async () => {
    const removals = new Removals()
    const done: number[] = []
    const [first, second] = [removals.hold(), removals.hold()]
    removals.putOff(async () => void done.push(1))
    await first()
    await first()
    expect([done, removals.areHeld]).toEqual([[], true])
    await second()
    expect([done, removals.areHeld]).toEqual([[1], false])
  })
})
