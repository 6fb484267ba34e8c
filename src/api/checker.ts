/** Holds what came in against a schema and says of each field what is wrong with it. */
import type { Static, TSchema } from 'typebox'
import type { TLocalizedValidationError } from 'typebox/error'
// Not typebox/compile, which also converts and repairs: loading that costs each start about 100 ms more.
import { Compile, type Validator } from 'typebox/schema'
import { BrokerError } from '../kernel/errors.ts'

/** Problems that one error reports; the rest is left out. */
export const PROBLEMS_MAX = 20

export type Check<T> = (value: unknown) => T

/**
 * A function that returns its argument typed, or throws INVALID_REQUEST with `fields`. `what` names the argument
 * in the error's sentence. The schema is compiled at the first call: a start does not wait for it.
 */
export function checkerOf<S extends TSchema>(what: string, schema: S): Check<Static<S>> {
  let compiled: Validator<S, Static<S>> | undefined
  return (value) => {
    compiled ??= Compile(schema)
    if (compiled.Check(value)) return value
    throw invalid(what, fieldsOf(compiled.Errors(value)[1]))
  }
}

/** INVALID_REQUEST for `what`, with the first problem in its sentence and all in `fields`. */
export function invalid(what: string, fields: Readonly<Record<string, string>>): BrokerError {
  const [first] = Object.entries(fields)
  const detail = first === undefined ? '' : `: ${first[0]} ${first[1]}`
  return new BrokerError('INVALID_REQUEST', `${what} is not valid${detail}`, { fields })
}

function fieldsOf(errors: readonly TLocalizedValidationError[]): Record<string, string> {
  const fields: Record<string, string> = {}
  for (const [field, problem] of errors.flatMap(problemsOf)) {
    if (Object.keys(fields).length < PROBLEMS_MAX) fields[field] ??= problem
  }
  return fields
}

function problemsOf(error: TLocalizedValidationError): [field: string, problem: string][] {
  const path = fieldPath(error.instancePath)
  switch (error.keyword) {
    case 'required':
      return error.params.requiredProperties.map((name) => [join(path, name), 'is required'])
    case 'additionalProperties':
      return error.params.additionalProperties.map((name) => [join(path, name), 'is not known'])
    case 'boolean':
      // The same again: what additionalProperties says better.
      return []
    default:
      return [[path === '' ? 'body' : path, error.message]]
  }
}

const join = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`)

/** `messages[3].priority` of the JSON pointer `/messages/3/priority`. */
function fieldPath(pointer: string): string {
  let path = ''
  for (const part of pointer.split('/').slice(1)) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~')
    path = /^\d+$/.test(name) ? `${path}[${name}]` : join(path, name)
  }
  return path
}
