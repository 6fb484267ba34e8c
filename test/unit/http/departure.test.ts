import { describe, expect, test } from 'vitest'
import { Departure } from '../../../src/listeners/http/read/departure.ts'

const told = (departure: Departure) => {
  const calls: string[] = []
  const listen = (name: string): (() => void) => {
    const listener = (): void => {
      calls.push(name)
    }
    departure.addEventListener('abort', listener)
    return listener
  }
  return { calls, listen }
}

describe('a departure', () => {
  test('is told to all who listen, once', () => {
    const departure = new Departure()
    const { calls, listen } = told(departure)
    listen('a')
    listen('b')
    expect(departure.aborted).toBe(false)
    departure.abort()
    departure.abort()
    expect(departure.aborted).toBe(true)
    expect(calls).toEqual(['a', 'b'])
  })

  test('is not told to those who listen no longer', () => {
    const departure = new Departure()
    const { calls, listen } = told(departure)
    const first = listen('a')
    listen('b')
    departure.removeEventListener('abort', first)
    departure.removeEventListener('abort', first)
    departure.abort()
    expect(calls).toEqual(['b'])
  })

  test('is told to each of them also where one leaves while it is told', () => {
    const departure = new Departure()
    const { calls, listen } = told(departure)
    departure.addEventListener('abort', () => departure.removeEventListener('abort', last))
    listen('a')
    const last = listen('b')
    departure.abort()
    expect(calls).toEqual(['a', 'b'])
  })
})
