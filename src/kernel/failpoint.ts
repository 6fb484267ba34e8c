/**
 * Marks the places where dying would be interesting. Tests arm them; in production a call is one size check.
 * The list is closed, so that a typo does not compile, and a test asserts that each one is hit by a crash test.
 */
export const FAILPOINTS = [
  'segment.append.before-write',
  'segment.append.after-write',
  'segment.append.before-sync',
  'segment.roll.before-seal',
  'segment.roll.after-create',
  'segment.retain.before-unlink',
  'journal.append.before-write',
  'snapshot.before-rename',
  'snapshot.after-rename',
  'topic.create.after-journal',
  'topic.delete.after-journal',
  'topic.delete.half-removed',
  'delay.schedule.after-append',
  'delay.fire.before-append',
  'delay.fire.after-append',
  'delay.change.before-append',
  'delay.change.after-append',
  'delay.index.before-manifest',
] as const
export type Failpoint = (typeof FAILPOINTS)[number]

const armed = new Map<Failpoint, () => void>()

export function failpoint(name: Failpoint): void {
  if (armed.size > 0) armed.get(name)?.()
}

/** Runs `action` (throw, kill the process, count) each time `name` is passed; returns how to disarm it. */
export function armFailpoint(name: Failpoint, action: () => void): () => void {
  armed.set(name, action)
  return () => {
    armed.delete(name)
  }
}
