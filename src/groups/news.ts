import type { GroupCommand } from './events.ts'

/** What another room has to follow: who is gone, and which groups are. */
export type GroupNews =
  | {
      readonly kind: 'departed'
      readonly group: string
      readonly memberIds: readonly string[]
      readonly reason: 'left' | 'evicted'
    }
  | { readonly kind: 'deleted'; readonly groups: readonly string[] }

/** What there is to tell of a command that was executed. */
export function newsOf(command: GroupCommand): GroupNews | undefined {
  if (command.kind === 'leave') {
    const { group, memberId } = command
    return { kind: 'departed', group, memberIds: [memberId], reason: 'left' }
  }
  if (command.kind === 'evict') {
    const { group, memberIds } = command
    return { kind: 'departed', group, memberIds, reason: 'evicted' }
  }
  if (command.kind === 'delete') return { kind: 'deleted', groups: [command.group] }
  return command.kind === 'expire' ? { kind: 'deleted', groups: command.groups } : undefined
}
