/** The five lanes, most urgent first; a record stores the number, the outer API speaks the word. */
export const PRIORITIES = ['critical', 'high', 'normal', 'low', 'background'] as const
/** How many lanes there are. */
export const LANES = PRIORITIES.length

export type PriorityName = (typeof PRIORITIES)[number]
export type Priority = 0 | 1 | 2 | 3 | 4

export const NORMAL_PRIORITY: Priority = 2

export const isPriority = (value: number): value is Priority =>
  Number.isInteger(value) && value >= 0 && value < PRIORITIES.length

export const priorityName = (priority: number): PriorityName => PRIORITIES[priority] ?? 'normal'

/** `critical` … `background`, or 0 to 4 as a number or a digit; undefined for anything else. */
export function parsePriority(value: unknown): Priority | undefined {
  if (typeof value === 'number') return isPriority(value) ? value : undefined
  if (typeof value !== 'string') return undefined
  const index = PRIORITIES.indexOf(value as PriorityName)
  if (index >= 0) return index as Priority
  return /^[0-4]$/.test(value) ? (Number(value) as Priority) : undefined
}
