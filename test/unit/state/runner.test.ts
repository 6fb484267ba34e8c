import { describe, expect, test, vi } from 'vitest'
import { BrokerError } from '../../../src/kernel/errors.ts'
import { armFailpoint } from '../../../src/kernel/failpoint.ts'
import { silentLogger } from '../../../src/kernel/platform.ts'
import { memoryEngine } from '../../../src/log/index.ts'
import { type CommitAcks, StateRunner } from '../../../src/state/index.ts'
import { FakeClock } from '../../support/fakeClock.ts'
import { ListMachine, listCodec } from '../../support/listMachine.ts'
import { StubEngine } from '../../support/stubEngine.ts'

const platform = { clock: new FakeClock(), random: () => 0.5, logger: silentLogger }
const JOURNAL = 'state/list/journal'
const SNAPSHOT = 'state/list/snapshot'

interface SetupOptions {
  readonly snapshotBytes?: number
  readonly pendingBytesMax?: number
  readonly acks?: CommitAcks
}

async function setup(engine = new StubEngine(), options: SetupOptions = {}) {
  const machine = new ListMachine()
  const runner = new StateRunner({
    name: 'list',
    machine,
    codec: listCodec,
    engine,
    platform,
    ...options,
  })
  await runner.start()
  return { engine, machine, runner }
}

/** Lets operations of one kind begin only when told to. */
function gate(engine: StubEngine, operation: string) {
  const waiting: (() => void)[] = []
  let begun: () => void = () => undefined
  const firstBegun = new Promise<void>((resolve) => {
    begun = resolve
  })
  engine.before = (each) => {
    if (each !== operation) return
    begun()
    return new Promise<void>((resolve) => waiting.push(resolve))
  }
  const open = (): void => {
    engine.before = () => undefined
    for (const resolve of waiting.splice(0)) resolve()
  }
  return { firstBegun, open }
}

const appendsOf = (engine: StubEngine): number[] =>
  engine.disk.logs.get(JOURNAL)?.batches.map((batch) => batch.ends.length) ?? []

describe('StateRunner', () => {
  test('a command is applied at once and answered when its events are on disk', async () => {
    const { engine, machine, runner } = await setup()
    const { firstBegun, open } = gate(engine, 'sync')
    let replied = false
    const reply = runner.submit({ id: 1, parts: 2 }).then((value) => {
      replied = true
      return value
    })
    expect(machine.names()).toEqual(['1.0', '1.1'])
    await firstBegun
    expect(replied).toBe(false)
    open()
    expect(await reply).toBe(2)
    expect(engine.disk.logs.get(JOURNAL)?.durable).toBe(2)
  })

  test('with leader the reply does not wait for the disk', async () => {
    const { engine, runner } = await setup()
    engine.before = (operation) => {
      if (operation === 'sync') throw new Error('no sync was asked for')
    }
    expect(await runner.submit({ id: 1, parts: 1 }, 'leader')).toBe(1)
  })

  test('commands of one turn are one write, those that come meanwhile the next', async () => {
    const { engine, runner } = await setup(new StubEngine(), { acks: 'leader' })
    const { firstBegun, open } = gate(engine, 'append')
    const first = [runner.submit({ id: 1, parts: 1 }), runner.submit({ id: 2, parts: 2 })]
    await firstBegun
    const second = Array.from({ length: 50 }, (_, i) => runner.submit({ id: 3 + i, parts: 1 }))
    open()
    await Promise.all([...first, ...second])
    expect(appendsOf(engine)).toEqual([3, 50])
  })

  test('what decide refuses changes nothing and the machine goes on', async () => {
    const { machine, runner, engine } = await setup()
    await expect(runner.submit({ id: 1, parts: -1 })).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
    })
    expect(machine.names()).toEqual([])
    expect(await runner.submit({ id: 2, parts: 1 })).toBe(1)
    expect(appendsOf(engine)).toEqual([1])
    expect(runner.health().status).toBe('pass')
  })

  test('a reply that changes nothing waits for the events it rests on', async () => {
    const { engine, runner } = await setup()
    const { firstBegun, open } = gate(engine, 'append')
    const order: string[] = []
    const first = runner.submit({ id: 1, parts: 1 }).then(() => order.push('change'))
    const second = runner.submit({ id: 2, parts: 0 }).then(() => order.push('look'))
    await firstBegun
    open()
    await Promise.all([first, second])
    expect(order).toEqual(['change', 'look'])
  })

  test('submitMany takes refused commands in its stride and writes once', async () => {
    const { engine, runner, machine } = await setup()
    const outcomes = await runner.submitMany([
      { id: 1, parts: 1 },
      { id: 2, parts: -1 },
      { id: 3, parts: 2 },
    ])
    expect(outcomes.map((each) => (each.ok ? each.reply : each.error.code))).toEqual([
      1,
      'INVALID_REQUEST',
      3,
    ])
    expect(machine.names()).toEqual(['1.0', '3.0', '3.1'])
    expect(appendsOf(engine)).toEqual([3])
  })

  test('execute and committed: many steps, one wait', async () => {
    const { engine, runner } = await setup()
    expect([1, 2, 3].map((id) => runner.execute({ id, parts: 1 }))).toEqual([1, 2, 3])
    await runner.committed('all')
    expect(appendsOf(engine)).toEqual([3])
  })

  test('more waits to be written than the limit: refused before anything is decided', async () => {
    const { engine, runner, machine } = await setup(new StubEngine(), { pendingBytesMax: 100 })
    const { open } = gate(engine, 'append')
    const first = runner.submit({ id: 1, parts: 3 })
    await expect(runner.submit({ id: 2, parts: 1 })).rejects.toMatchObject({
      code: 'BROKER_OVERLOADED',
      retryAfterMs: expect.any(Number),
    })
    expect(machine.items).toHaveLength(3)
    open()
    await first
    await runner.submit({ id: 3, parts: 1 })
  })

  test('a new runner replays what the old one did', async () => {
    const { engine, runner, machine } = await setup()
    for (let id = 0; id < 20; id += 1) await runner.submit({ id, parts: id % 3 })
    const next = await setup(engine.crash())
    expect(next.machine.items).toEqual(machine.items)
    await next.runner.submit({ id: 100, parts: 1 })
    expect((await setup(next.engine.crash())).machine.names()).toContain('100.0')
  })

  test('it refuses before the start and after the stop', async () => {
    const engine = new StubEngine()
    const machine = new ListMachine()
    const runner = new StateRunner({ name: 'list', machine, codec: listCodec, engine, platform })
    await expect(runner.submit({ id: 1, parts: 1 })).rejects.toMatchObject({ code: 'RECOVERING' })
    expect(runner.health().status).toBe('fail')
    await runner.start()
    await runner.stop()
    await expect(runner.submit({ id: 1, parts: 1 })).rejects.toMatchObject({
      code: 'SHUTTING_DOWN',
    })
    expect(machine.items).toEqual([])
  })

  test('it runs on the memory engine as well', async () => {
    const machine = new ListMachine()
    const engine = memoryEngine(platform)
    const options = { name: 'list', codec: listCodec, engine, platform }
    const runner = new StateRunner({ ...options, machine })
    await runner.start()
    await runner.submit({ id: 1, parts: 2 })
    await runner.stop()
    const again = new ListMachine()
    await new StateRunner({ ...options, machine: again }).start()
    expect(again.items).toEqual(machine.items)
  })

  test('what requests of one turn of the event loop execute, one after the other, is one write', async () => {
    const { engine, runner } = await setup()
    let appends = 0
    engine.before = (operation) => {
      if (operation === 'append') appends += 1
    }
    const first = runner.submit({ id: 1, parts: 1 })
    await Promise.resolve()
    await new Promise<void>((resolve) => process.nextTick(resolve))
    await Promise.all([first, runner.submit({ id: 2, parts: 1 })])
    expect(appends).toBe(1)
  })
})

describe('a failed append', () => {
  const refuse = (code: 'STORAGE_ERROR' | 'DISK_FULL') => (): never => {
    throw new BrokerError(code, 'no room')
  }
  const fullDisk = (operation: string): void => {
    if (operation === 'append') refuse('DISK_FULL')()
  }
  const broken = refuse('STORAGE_ERROR')

  test('stops the machine for good, with the cause in every later refusal', async () => {
    const { engine, runner, machine } = await setup()
    await runner.submit({ id: 1, parts: 1 })
    engine.before = broken
    await expect(runner.submit({ id: 2, parts: 1 })).rejects.toMatchObject({
      code: 'STORAGE_ERROR',
      cause: expect.objectContaining({ message: 'no room' }),
    })
    engine.before = () => undefined
    const decidedBefore = machine.items.length
    await expect(runner.submit({ id: 3, parts: 1 })).rejects.toMatchObject({
      code: 'STORAGE_ERROR',
    })
    expect(machine.items).toHaveLength(decidedBefore)
    expect(runner.health()).toMatchObject({ status: 'fail', message: /no room/ })
  })

  test('nothing that was queued behind it reaches the disk', async () => {
    const { engine, runner } = await setup()
    let appends = 0
    engine.before = (operation) => {
      if (operation !== 'append') return
      appends += 1
      if (appends === 1) broken()
    }
    const lost = [runner.submit({ id: 1, parts: 1 })]
    await Promise.resolve()
    lost.push(runner.submit({ id: 2, parts: 1 }), runner.submit({ id: 3, parts: 1 }))
    const settled = await Promise.allSettled(lost)
    expect(settled.map((each) => each.status)).toEqual(['rejected', 'rejected', 'rejected'])
    expect(appends).toBe(1)
    expect((await setup(engine.crash())).machine.names()).toEqual([])
  })

  test('a full disk only delays: what was decided is written when there is room, nothing new is decided before', async () => {
    const { engine, runner, machine } = await setup()
    engine.before = fullDisk
    const waiting = Promise.all([1, 2].map((id) => runner.submit({ id, parts: 1 })))
    await vi.waitUntil(() => runner.health().status === 'warn')
    await expect(runner.submit({ id: 3, parts: 1 })).rejects.toMatchObject({ code: 'DISK_FULL' })
    expect(machine.names()).toEqual(['1.0', '2.0'])
    engine.before = () => undefined
    platform.clock.advance(250)
    expect(await waiting).toEqual([1, 2])
    expect(await runner.submit({ id: 4, parts: 1 })).toBe(3)
    expect(runner.health().status).toBe('pass')
    expect((await setup(engine.crash())).machine.names()).toEqual(['1.0', '2.0', '4.0'])
  })

  test('a stop does not wait for room: who waits is refused', async () => {
    const { engine, runner } = await setup()
    engine.before = fullDisk
    const refused = expect(runner.submit({ id: 1, parts: 1 })).rejects.toMatchObject({
      code: 'STORAGE_ERROR',
    })
    await vi.waitUntil(() => runner.health().status === 'warn')
    await runner.stop()
    platform.clock.advance(250)
    await refused
  })

  test('an engine that is busy has not failed: the events are offered again, in their order', async () => {
    const { engine, runner } = await setup()
    let refusals = 3
    engine.before = (operation) => {
      if (operation !== 'append' || refusals === 0) return
      refusals -= 1
      throw new BrokerError('BROKER_OVERLOADED', 'busy')
    }
    const replies = Promise.all([1, 2, 3].map((id) => runner.submit({ id, parts: 1 })))
    while (refusals > 0) {
      await new Promise(setImmediate)
      platform.clock.advance(10)
    }
    expect(await replies).toEqual([1, 2, 3])
    expect((await setup(engine.crash())).machine.names()).toEqual(['1.0', '2.0', '3.0'])
  })

  test('a write that may be on the disk all the same is not refused but unknown', async () => {
    const { engine, runner } = await setup()
    let behind: Promise<unknown> | undefined
    engine.before = (operation) => {
      if (operation !== 'append') return
      behind ??= runner.submit({ id: 2, parts: 1 })
      throw new BrokerError('OUTCOME_UNKNOWN', 'not taken back')
    }
    const first = runner.submit({ id: 1, parts: 1 })
    await expect(first).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' })
    await expect(behind).rejects.toMatchObject({ code: 'STORAGE_ERROR' })
    const code = 'STORAGE_ERROR'
    await expect(runner.submit({ id: 3, parts: 1 })).rejects.toMatchObject({ code })
  })

  test('a failed sync stops it too: what was written may stay', async () => {
    const { engine, runner } = await setup()
    engine.before = (operation) => {
      if (operation === 'sync') broken()
    }
    await expect(runner.submit({ id: 1, parts: 1 })).rejects.toMatchObject({
      code: 'OUTCOME_UNKNOWN',
    })
    await expect(runner.submit({ id: 2, parts: 1 }, 'leader')).rejects.toMatchObject({
      code: 'STORAGE_ERROR',
    })
  })

  test('no snapshot is written of a machine that is ahead of its disk', async () => {
    const { engine, runner } = await setup()
    await runner.submit({ id: 1, parts: 1 })
    engine.before = (operation) => {
      if (operation === 'append') broken()
    }
    await runner.submit({ id: 2, parts: 1 }).catch(() => undefined)
    engine.before = () => undefined
    await runner.stop()
    expect(engine.disk.blobs.has(SNAPSHOT)).toBe(false)
    expect((await setup(engine.crash())).machine.names()).toEqual(['1.0'])
  })

  test('an apply that throws stops it: memory is no longer what a replay would give', async () => {
    const { runner, machine } = await setup()
    machine.apply = () => {
      throw new Error('not total')
    }
    await expect(runner.submit({ id: 1, parts: 1 })).rejects.toThrow('not total')
    await expect(runner.submit({ id: 2, parts: 1 })).rejects.toMatchObject({
      code: 'STORAGE_ERROR',
    })
  })
})

describe('a snapshot', () => {
  test('is written at the stop and the journal before it is let go', async () => {
    const { engine, runner } = await setup()
    for (let id = 0; id < 5; id += 1) await runner.submit({ id, parts: 1 })
    await runner.stop()
    expect(engine.disk.logs.get(JOURNAL)).toMatchObject({ start: 5, next: 5 })
    const next = await setup(engine.crash())
    expect(next.machine).toMatchObject({ restored: 1 })
    expect(next.machine.names()).toEqual(['0.0', '1.0', '2.0', '3.0', '4.0'])
  })

  test('is not written again at a stop without a change', async () => {
    const { engine, runner } = await setup()
    await runner.submit({ id: 1, parts: 1 })
    await runner.stop()
    const next = await setup(engine.crash())
    next.engine.before = (operation) => {
      if (operation === 'blob') throw new Error('nothing changed')
    }
    const before = next.engine.disk.blobs.get(SNAPSHOT)
    await next.runner.stop()
    expect(next.engine.disk.blobs.get(SNAPSHOT)).toBe(before)
  })

  test('comes by itself when the journal has grown by the limit', async () => {
    const { engine, runner } = await setup(new StubEngine(), { snapshotBytes: 500 })
    const written = new Promise<void>((resolve) => {
      engine.after = (operation) => {
        if (operation === 'truncate') resolve()
      }
    })
    for (let id = 0; id < 20; id += 1) await runner.submit({ id, parts: 1 })
    await written
    expect(engine.disk.blobs.has(SNAPSHOT)).toBe(true)
    expect(engine.disk.logs.get(JOURNAL)?.start).toBeGreaterThan(0)
    expect((await setup(engine.crash())).machine.items).toHaveLength(20)
  })

  test('that cannot be written costs nothing but a longer journal', async () => {
    const { engine, runner } = await setup(new StubEngine(), { snapshotBytes: 300 })
    engine.before = (operation) => {
      if (operation === 'blob') throw new BrokerError('DISK_FULL', 'no room')
    }
    for (let id = 0; id < 30; id += 1) await runner.submit({ id, parts: 1 })
    expect(await runner.snapshot()).toBe(false)
    expect(runner.health().status).toBe('pass')
    expect((await setup(engine.crash())).machine.items).toHaveLength(30)
  })

  test('is of the moment it begins, and commands go on between its pieces', async () => {
    const { engine, runner, machine } = await setup()
    for (let id = 0; id < 20; id += 1) await runner.submit({ id, parts: 1 })
    const snapshot = runner.snapshot()
    let during = 0
    const going = (async () => {
      for (; engine.disk.blobs.get(SNAPSHOT) === undefined; during += 1) {
        await runner.submit({ id: 100 + during, parts: 1 }, 'leader')
      }
    })()
    expect(await snapshot).toBe(true)
    await going
    expect(during).toBeGreaterThan(3)
    expect(engine.disk.logs.get(JOURNAL)).toMatchObject({ start: 20, next: 20 + during })
    expect((await setup(engine.crash())).machine.items).toEqual(machine.items)
  })

  test('whose encoding fails is let go of, and the next one is written', async () => {
    const engine = new StubEngine()
    let [opened, closed] = [0, 0]
    const codec = {
      ...listCodec,
      encodeSnapshot: (items: Parameters<typeof listCodec.encodeSnapshot>[0]) => {
        const pieces = listCodec.encodeSnapshot(items)
        opened += 1
        const nth = opened
        return {
          next: () => {
            if (nth === 1) throw new Error('no memory')
            return pieces.next()
          },
          close: () => {
            closed += 1
          },
        }
      },
    }
    const machine = new ListMachine()
    const runner = new StateRunner({ name: 'list', machine, codec, engine, platform })
    await runner.start()
    await runner.submit({ id: 1, parts: 1 })
    expect(await runner.snapshot()).toBe(false)
    expect(await runner.snapshot()).toBe(true)
    expect([opened, closed]).toEqual([2, 2])
  })

  test('holds nothing that a power loss could still take from the journal', async () => {
    const { engine, runner } = await setup(new StubEngine(), { acks: 'leader' })
    await runner.submit({ id: 1, parts: 1 })
    const { firstBegun, open } = gate(engine, 'sync')
    const snapshot = runner.snapshot()
    await firstBegun
    expect(engine.disk.blobs.has(SNAPSHOT)).toBe(false)
    open()
    expect(await snapshot).toBe(true)
  })

  test.each(['snapshot.before-rename', 'snapshot.after-rename'] as const)(
    'a crash at %s loses and doubles nothing',
    async (name) => {
      const { engine, runner, machine } = await setup()
      for (let id = 0; id < 5; id += 1) await runner.submit({ id, parts: 2 })
      let next: StubEngine | undefined
      const disarm = armFailpoint(name, () => {
        next ??= engine.crash()
        throw new Error('died')
      })
      try {
        await runner.snapshot()
      } finally {
        disarm()
      }
      expect(next).toBeDefined()
      const again = await setup(next)
      expect(again.machine.items).toEqual(machine.items)
      expect(again.machine.restored).toBe(name === 'snapshot.after-rename' ? 1 : 0)
    },
  )
})

const tooNew = (message: string): BrokerError => new BrokerError('FORMAT_TOO_NEW', message)

describe('a machine that cannot be rebuilt', () => {
  const corrupt = { code: 'LOG_CORRUPT' }

  test('one flipped bit of the snapshot refuses the start', async () => {
    const { engine, runner } = await setup()
    await runner.submit({ id: 1, parts: 1 })
    await runner.stop()
    const whole = engine.disk.blobs.get(SNAPSHOT) as Buffer
    for (let at = 0; at < whole.length; at += 1) {
      const next = engine.crash()
      const bytes = Buffer.from(whole)
      bytes[at] = (bytes[at] as number) ^ 0x10
      next.disk.blobs.set(SNAPSHOT, bytes)
      const wanted = at === 2 ? { code: 'FORMAT_TOO_NEW' } : corrupt
      await expect(setup(next), `byte ${at}`).rejects.toMatchObject(wanted)
    }
  })

  test('a journal that ends below its snapshot, or begins above it, refuses the start', async () => {
    const { engine, runner } = await setup()
    for (let id = 0; id < 3; id += 1) await runner.submit({ id, parts: 1 })
    await runner.stop()
    const lost = engine.crash()
    lost.disk.logs.delete(JOURNAL)
    await expect(setup(lost)).rejects.toMatchObject(corrupt)
    const gap = engine.crash()
    gap.disk.blobs.delete(SNAPSHOT)
    await expect(setup(gap)).rejects.toMatchObject(corrupt)
  })

  test.each([
    ['cannot read', 'LOG_CORRUPT', new Error('of a later version')],
    ['takes for a newer one', 'FORMAT_TOO_NEW', tooNew('of a later version')],
  ])('an event that the codec %s refuses the start with %s, naming it', async (_, code, error) => {
    const { engine, runner } = await setup()
    await runner.submit({ id: 1, parts: 1 })
    const next = engine.crash()
    const machine = new ListMachine()
    const codec = {
      ...listCodec,
      decodeEvent: () => {
        throw error
      },
    }
    const reader = new StateRunner({ name: 'list', machine, codec, engine: next, platform })
    await expect(reader.start()).rejects.toMatchObject({
      code,
      message: expect.stringMatching(/event 0: of a later version/),
    })
    await reader.stop()
    expect(next.openLogs.size).toBe(0)
  })

  test('an event too large for the journal is refused before it is applied', async () => {
    const { runner, machine } = await setup()
    machine.decide = () => ({ events: [{ item: 'x'.repeat(17 << 20), atMs: 0 }], reply: 0 })
    await expect(runner.submit({ id: 1, parts: 1 })).rejects.toMatchObject({
      code: 'RECORD_TOO_LARGE',
    })
    expect(machine.items).toEqual([])
  })
})
