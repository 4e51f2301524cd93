import { existsSync, globSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { anchorsOf, codeIn, documents, linksIn, ROOT } from './documents.mjs'

const LINKS = documents.flatMap(({ path, text }) => linksIn(text).map((target) => [path, target]))

describe('a link in a document', () => {
  it('is among several', () => {
    expect(LINKS.length).toBeGreaterThan(20)
  })

  it.each(LINKS)('in %s leads somewhere: %s', (path, target) => {
    const [file, anchor] = target.split('#')
    const found = file === '' ? join(ROOT, path) : join(ROOT, dirname(path), decodeURI(file))

    expect(existsSync(found), `${file} is not there`).toBe(true)
    if (anchor === undefined || statSync(found).isDirectory() || !found.endsWith('.md')) return
    expect(anchorsOf(readFileSync(found, 'utf8'))).toContain(anchor)
  })
})

/** What git ignores comes and goes. */
const ignored = readFileSync(join(ROOT, '.gitignore'), 'utf8').split('\n').filter(Boolean)
const isIgnored = (path) => ignored.some((entry) => `${path}/`.startsWith(entry.replace(/\/?$/, '/')))

const FOLDERS = [
  'packages',
  'services',
  'docs',
  'deploy',
  'scripts',
  'e2e',
  'bench',
  'chaos',
  '.github',
  '.ci',
  '.vscode',
]
const PATH = new RegExp(
  `^(?:\\./)?((?:${FOLDERS.map((name) => name.replace('.', '\\.')).join('|')})/[\\w@.*<>{}/ -]*)$`,
)

const PATHS = documents.flatMap(({ path, text }) => {
  const words = codeIn(text).flatMap((code) => code.split(/[\s"'=]+/))
  const found = words.flatMap((word) => PATH.exec(word.replace(/[.,:;]+$/, ''))?.[1] ?? [])
  return [...new Set(found)].filter((found) => !isIgnored(found)).map((found) => [path, found])
})

describe('a path in code of a document', () => {
  it('is among several', () => {
    expect(PATHS.length).toBeGreaterThan(5)
  })

  it.each(PATHS)('in %s is there: %s', (_path, found) => {
    expect(globSync(found.replaceAll(/<[^>]*>|\{[^}]*\}/g, '*'), { cwd: ROOT })).not.toEqual([])
  })
})
