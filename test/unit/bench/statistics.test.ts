import { describe, expect, test } from 'vitest'
import { compare, median, percentile, spread } from '../../../bench/support/statistics.ts'

describe('statistics', () => {
  test('the median of an even series lies between the middle two', () => {
    expect(median([4, 1, 3, 2])).toBe(2.5)
    expect(median([9, 1, 5])).toBe(5)
    expect(median([])).toBeNaN()
  })

  test('a percentile is by nearest rank', () => {
    const sorted = Float64Array.from({ length: 100 }, (_, i) => i + 1)
    expect([0, 0.5, 0.99, 1].map((share) => percentile(sorted, share))).toEqual([1, 50, 99, 100])
  })

  test('an outlier moves the range and not the deviation', () => {
    expect(spread([10, 11, 9, 10, 100])).toEqual({ median: 10, min: 9, max: 100, mad: 1 })
  })

  test('the median of ratios is blind to what slows both sides of a round', () => {
    const floor = [100, 50, 100, 20, 100]
    const ours = [60, 30, 60, 12, 60]
    expect(compare(ours, floor).medianOfRatios).toBeCloseTo(0.6)
  })
})
