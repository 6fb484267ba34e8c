/**
 * The kinds of settings: how each is declared, read from text, and written back.
 *
 * A declaration is a typebox schema (so that types and bounds are JSON Schema) that carries a {@link Spec}
 * beside it. Reading gives the value or a sentence about what is wrong, never an exception: all problems of a
 * configuration are reported at once.
 */
import Type, { type TArray, type TInteger, type TNull, type TString, type TUnion } from 'typebox'
import { formatDurationMs, parseDurationMs } from '../kernel/duration.ts'
import { formatSizeBytes, parseSizeBytes } from '../kernel/size.ts'

export type SettingKind = 'integer' | 'size' | 'duration' | 'text' | 'choice' | 'list'
export type SettingValue = number | string | null | readonly string[]

/** What a setting is, apart from its name. */
export interface Spec {
  readonly kind: SettingKind
  /** The heading it stands under in the documentation. */
  readonly section: string
  readonly description: string
  readonly defaultValue: SettingValue
  readonly minimum?: number
  readonly maximum?: number
  readonly choices?: readonly string[]
  /** Never shown, and no flag: what is on a command line can be read by everybody on the machine. */
  readonly isSecret?: boolean
  /** The word that stands for null, where null is a value. */
  readonly nullWord?: string
}

export type Parsed = { readonly value: SettingValue } | { readonly problem: string }

interface Text {
  readonly section: string
  readonly description: string
}
interface Bounds extends Text {
  readonly default: number
  readonly minimum: number
  readonly maximum: number
}

const numberSpec = (kind: SettingKind, { default: defaultValue, ...rest }: Bounds): Spec => ({
  kind,
  defaultValue,
  ...rest,
})
const bounded = (kind: SettingKind, bounds: Bounds): TInteger & { readonly spec: Spec } =>
  Object.assign(Type.Integer({ ...bounds }), { spec: numberSpec(kind, bounds) })

export const integer = (bounds: Bounds) => bounded('integer', bounds)
/** In bytes; written `64MiB`. */
export const size = (bounds: Bounds) => bounded('size', bounds)
/** In milliseconds; written `30s`. */
export const duration = (bounds: Bounds) => bounded('duration', bounds)

/** A size or duration for which `none` is a value: null inside. */
export function orNone(
  kind: 'size' | 'duration',
  bounds: Omit<Bounds, 'default'> & { readonly default: number | null },
): TUnion<[TInteger, TNull]> & { readonly spec: Spec } {
  const { default: defaultValue, ...rest } = bounds
  const schema = Type.Union([Type.Integer(rest), Type.Null()])
  return Object.assign(schema, { spec: { kind, defaultValue, nullWord: 'none', ...rest } })
}

export const text = (options: Text & { readonly default: string }): TString & { spec: Spec } => {
  const { default: defaultValue, ...rest } = options
  return Object.assign(Type.String({ minLength: 1, ...rest }), {
    spec: { kind: 'text' as const, defaultValue, ...rest },
  })
}

export function choice<const T extends string[]>(
  choices: readonly [...T],
  options: Text & { readonly default: T[number] },
) {
  const { default: defaultValue, ...rest } = options
  const spec: Spec = { kind: 'choice', defaultValue, choices, ...rest }
  return Object.assign(Type.Enum<T>(choices, rest), { spec })
}

export const list = (
  options: Text & { readonly isSecret?: boolean },
): TArray<TString> & { readonly spec: Spec } =>
  Object.assign(Type.Array(Type.String(), { ...options }), {
    spec: { kind: 'list' as const, defaultValue: [], ...options },
  })

const READERS: Readonly<
  Record<SettingKind, (spec: Spec, raw: unknown) => SettingValue | undefined>
> = {
  integer: (_, raw) => {
    const value = typeof raw === 'string' && /^-?\d+$/.test(raw.trim()) ? Number(raw) : raw
    return typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined
  },
  size: (_, raw) => parseSizeBytes(raw),
  duration: (_, raw) => parseDurationMs(typeof raw === 'string' ? raw.trim() : raw),
  text: (_, raw) => (typeof raw === 'string' && raw.trim() !== '' ? raw : undefined),
  choice: (spec, raw) => {
    const word = typeof raw === 'string' ? raw.trim().toLowerCase() : undefined
    return word !== undefined && spec.choices?.includes(word) ? word : undefined
  },
  list: (_, raw) => readList(raw),
}

function readList(raw: unknown): readonly string[] | undefined {
  const parts = typeof raw === 'string' ? raw.split(',') : raw
  if (!Array.isArray(parts) || !parts.every((part) => typeof part === 'string')) return undefined
  return parts.map((part) => part.trim()).filter((part) => part !== '')
}

/** The value that `raw` (from a file, a variable or a flag) stands for, or what is wrong with it. */
export function parseValue(spec: Spec, raw: unknown): Parsed {
  if (spec.nullWord !== undefined && (raw === null || raw === spec.nullWord)) return { value: null }
  const value = READERS[spec.kind](spec, raw)
  if (value === undefined) {
    const given = spec.isSecret ? '' : `, not ${shown(raw)}`
    return { problem: `must be ${expectation(spec)}${given}` }
  }
  if (typeof value === 'number' && !isWithin(spec, value)) {
    return { problem: `must be ${rangeOf(spec)}, not ${formatValue(spec, value)}` }
  }
  return { value }
}

const isWithin = ({ minimum, maximum }: Spec, value: number): boolean =>
  value >= (minimum ?? -Infinity) && value <= (maximum ?? Infinity)

const shown = (raw: unknown): string => {
  const written = JSON.stringify(raw) ?? String(raw)
  return written.length > 80 ? `${written.slice(0, 77)}...` : written
}

const EXPECTED: Readonly<Record<SettingKind, string>> = {
  integer: 'a whole number',
  size: 'a size such as 64MiB or 64MB',
  duration: 'a duration such as 250ms, 30s or 1h30m',
  text: 'a text that is not empty',
  choice: 'one of',
  list: 'a list: a,b in text, [a, b] in a file',
}

function expectation(spec: Spec): string {
  const choices = spec.choices === undefined ? '' : ` ${spec.choices.join(', ')}`
  const none = spec.nullWord === undefined ? '' : ` or ${spec.nullWord}`
  return EXPECTED[spec.kind] + choices + none
}

/** `64KiB to 1GiB`; empty where a setting has no bounds. */
export function rangeOf(spec: Spec): string {
  if (spec.choices !== undefined) return spec.choices.join(', ')
  if (spec.minimum === undefined || spec.maximum === undefined) return ''
  const none = spec.nullWord === undefined ? '' : `, or ${spec.nullWord}`
  return `${formatValue(spec, spec.minimum)} to ${formatValue(spec, spec.maximum)}${none}`
}

/** A value in the form in which it can be written into a file, a variable or a flag. */
export function formatValue(spec: Spec, value: SettingValue): string {
  if (value === null) return spec.nullWord ?? ''
  if (typeof value === 'object') return value.join(',')
  if (typeof value === 'string') return value
  if (spec.kind === 'size') return formatSizeBytes(value)
  return spec.kind === 'duration' ? formatDurationMs(value) : String(value)
}
