/** What the documentation points to is there: files by their paths, and headings within them. */
import { existsSync, readFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const LINK = /\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g

/** As a heading is named where it is linked to: in lower case, without signs, with a dash for a space. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .trim()
    .replaceAll(' ', '-')

const withoutCode = (page: string): string => page.replaceAll(/^```[\s\S]*?^```$/gm, '')

const anchorsOf = (page: string): Set<string> =>
  new Set(
    [...withoutCode(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => anchorOf(heading)),
  )

function leadsSomewhere(target: string, anchor: string | undefined): boolean {
  const path = join(ROOT, target)
  if (!existsSync(path)) return false
  if (anchor === undefined || !target.endsWith('.md')) return true
  return anchorsOf(readFileSync(path, 'utf8')).has(anchor)
}

async function pages(): Promise<string[]> {
  const docs = await readdir(join(ROOT, 'docs'), { recursive: true })
  return [
    ...['README.md', 'PROGRESS.md', 'CHANGELOG.md'],
    ...docs.filter((file) => file.endsWith('.md')).map((file) => join('docs', file)),
  ]
}

describe('the documentation', () => {
  test('has no link that leads nowhere', async () => {
    const dead: string[] = []
    for (const file of await pages()) {
      const page = readFileSync(join(ROOT, file), 'utf8')
      for (const [link, path = '', anchor] of withoutCode(page).matchAll(LINK)) {
        const target = path === '' ? file : join(dirname(file), path)
        if (!leadsSomewhere(target, anchor)) dead.push(`${file}: ${link.slice(1)}`)
      }
    }
    expect(dead).toEqual([])
  })

  test('is reached page by page from its first one', async () => {
    const index = readFileSync(join(ROOT, 'docs', 'README.md'), 'utf8')
    const linked = new Set([...index.matchAll(LINK)].map(([, path = '']) => path))
    const found = (await pages()).filter(
      (file) => file.startsWith('docs/') && file !== 'docs/README.md',
    )
    const isLinked = (file: string): boolean =>
      linked.has(file.slice('docs/'.length)) || file.startsWith('docs/decisions/')
    expect(found.filter((file) => !isLinked(file))).toEqual([])
  })
})
