import { describe, expect, test } from 'vitest'
import { BrokerError } from '../../../src/kernel/errors.ts'
import { configOf, configReply, inWireWords } from '../../../src/listeners/http/topicConfig.ts'

describe('topic configuration on the wire', () => {
  test('hours, durations and plain milliseconds name the same retention', () => {
    for (const config of [
      { retention_hours: 36 },
      { retention_ms: '1d12h' },
      { retention_ms: 129_600_000 },
    ]) {
      expect(configOf(config)).toEqual({ retentionMs: 129_600_000 })
    }
    expect(configOf({}, 0.5)).toEqual({ retentionMs: 1_800_000 })
    expect(configOf({ retention_ms: null })).toEqual({ retentionMs: null })
    expect(configOf({ retention_ms: '168h' }, 168)).toEqual({ retentionMs: 604_800_000 })
  })

  test('two different retentions, or one that is no time, are refused', () => {
    for (const make of [
      () => configOf({ retention_ms: '1h' }, 2),
      () => configOf({ retention_hours: null, retention_ms: '1h' }),
      () => configOf({ retention_ms: 'long' }),
      () => configOf({ retention_ms: 0 }),
    ]) {
      expect(make).toThrow(expect.objectContaining({ code: 'INVALID_CONFIG' }))
    }
  })

  test('goes in and comes out under the same names', () => {
    const reply = configReply({
      ...{ retentionMs: 3_600_000, retentionBytes: 5, segmentBytes: 2048, recordBytesMax: 1024 },
    })
    expect(reply).toEqual({
      ...{ retention_hours: 1, retention_ms: 3_600_000, retention_bytes: 5 },
      ...{ segment_bytes: 2048, max_record_bytes: 1024 },
    })
    expect(
      configReply({ ...configOf(reply), retentionMs: null } as never).retention_hours,
    ).toBeNull()
  })

  test("the broker's words for its settings become those of the wire", () => {
    const error = new BrokerError(
      'INVALID_CONFIG',
      'config.recordBytesMax must be at most segmentBytes',
      {
        fields: {
          'config.recordBytesMax': 'must be at most segmentBytes, 5',
          partitions: 'too many',
        },
      },
    )
    expect(inWireWords(error)).toMatchObject({
      message: 'config.max_record_bytes must be at most segment_bytes',
      fields: {
        'config.max_record_bytes': 'must be at most segment_bytes, 5',
        num_partitions: 'too many',
      },
    })
  })
})
