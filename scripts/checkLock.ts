/**
 * What is wrong with package-lock.json that an installation elsewhere would meet:
 *
 * - an optional dependency (the package of another platform, mostly) that has no entry: `npm install` on a machine
 *   that lacked it writes such a lock, and `npm ci` of npm 11 refuses it;
 * - a package whose `engines.node` leaves out the oldest Node that this project supports.
 *
 * `tsx scripts/checkLock.ts` prints the problems and exits 1 where there are some.
 */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

interface LockedPackage {
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly engines?: { readonly node?: string } | readonly string[]
}

export interface Lock {
  readonly packages: Readonly<Record<string, LockedPackage>>
}

export const OLDEST_NODE = '20.19.0'

/** One line for each problem. */
export function lockProblems({ packages }: Lock, node = OLDEST_NODE): readonly string[] {
  return Object.entries(packages).flatMap(([path, entry]) => [
    ...missingOptionals(path, entry, packages),
    ...enginesProblem(path, entry, node),
  ])
}

function missingOptionals(
  path: string,
  { optionalDependencies = {} }: LockedPackage,
  packages: Lock['packages'],
): readonly string[] {
  return Object.keys(optionalDependencies)
    .filter((name) => !candidatesFor(path, name).some((candidate) => candidate in packages))
    .map((name) => `${path || 'the project'} names the optional ${name}, which has no entry`)
}

/** Where npm may have put a dependency of the package at `path`: beside it, or in any node_modules above. */
function candidatesFor(path: string, name: string): readonly string[] {
  const candidates = [`${path === '' ? '' : `${path}/`}node_modules/${name}`]
  for (
    let at = path.lastIndexOf('node_modules/');
    at >= 0;
    at = path.lastIndexOf('node_modules/', at - 1)
  ) {
    candidates.push(`${path.slice(0, at)}node_modules/${name}`)
    if (at === 0) break
  }
  return candidates
}

function enginesProblem(path: string, { engines }: LockedPackage, node: string): readonly string[] {
  const range = engines !== undefined && 'node' in engines ? engines.node : undefined
  if (range === undefined || satisfies(node, range)) return []
  return [`${path} needs Node ${range}, which leaves out ${node}`]
}

type Version = readonly [major: number, minor: number, patch: number]

const parse = (text: string): Version => {
  const [major = 0, minor = 0, patch = 0] = text
    .replace(/^[v=\s]+/, '')
    .split('.')
    .map(Number)
  return [major, minor, patch]
}

const compare = (a: Version, b: Version): number => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]

/** Whether `version` is in a range as `engines` has them: `||`, `^`, `~`, `>=`, `>`, `<`, `<=`, `x`, `*`, `a - b`. */
export function satisfies(version: string, range: string): boolean {
  return range.split('||').some((alternative) => {
    const hyphen = /^\s*(\S+)\s+-\s+(\S+)\s*$/.exec(alternative)
    const parts = hyphen
      ? [`>=${hyphen[1]}`, `<=${hyphen[2]}`]
      : alternative
          .replace(/([<>=^~]+)\s+/g, '$1')
          .split(/\s+/)
          .filter((part) => part !== '')
    return parts.every((part) => satisfiesPart(parse(version), part))
  })
}

function satisfiesPart(version: Version, part: string): boolean {
  const [, operator = '', text = ''] = /^([<>=^~]*)(.*)$/.exec(part) ?? []
  const given = text
    .replace(/^v/, '')
    .split('.')
    .filter((digits) => /^\d+$/.test(digits)).length
  if (given === 0) return true
  const wanted = parse(text.replaceAll(/[xX*]/g, '0'))
  const order = compare(version, wanted)
  const sameMajor = version[0] === wanted[0]
  const sameMinor = sameMajor && (given < 2 || version[1] === wanted[1])
  switch (operator) {
    case '>=':
      return order >= 0
    case '>':
      return given === 1 ? version[0] > wanted[0] : order > 0
    case '<':
      return order < 0
    case '<=':
      return given === 1 ? version[0] <= wanted[0] : order <= 0
    case '^':
      return sameMajor && order >= 0
    case '~':
      return sameMinor && order >= 0
    default:
      return sameMinor && (given < 3 || order === 0)
  }
}

const readLock = (): Lock =>
  JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8')) as Lock

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const problems = lockProblems(readLock())
  for (const problem of problems) process.stderr.write(`${problem}\n`)
  process.exitCode = problems.length === 0 ? 0 : 1
}
