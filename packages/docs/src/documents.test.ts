import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { asyncApi } from './asyncapi.ts'
import { DOCUMENTS, outdated, writeDocuments } from './documents.ts'
import { asYaml } from './yaml.ts'

const ROOT = resolve(import.meta.dirname, '../../..')
const folder = mkdtempSync(join(tmpdir(), 'documents-'))
afterAll(() => rmSync(folder, { recursive: true }))

test.each(DOCUMENTS)('$file is what the code says; if not, run: npm run docs', async ({ file, render }) => {
  expect(readFileSync(join(ROOT, file), 'utf8')).toBe(await render())
})

test('what is missing or was changed by hand is told, and written anew', async () => {
  const documents = ['a/new.md', 'kept.md', 'changed.md'].map((file) => ({ file, render: () => `${file}\n` }))
  writeFileSync(join(folder, 'kept.md'), 'kept.md\n')
  writeFileSync(join(folder, 'changed.md'), 'changed.md\nby hand\n')

  const before = await outdated(folder, documents)
  const written = await writeDocuments(folder, documents)

  expect([before, written]).toEqual([
    ['a/new.md', 'changed.md'],
    ['a/new.md', 'changed.md'],
  ])
  expect(await outdated(folder, documents)).toEqual([])
})

test('YAML says what the document says, to readers of YAML 1.1 too', () => {
  const tricky = { time: '2026-03-01T09:00:00Z', country: 'NO', octal: '0155', yes: 'yes', empty: '', null: null }

  for (const version of ['1.1', '1.2'] as const) {
    expect(parse(asYaml(tricky), { version })).toEqual(tricky)
    expect(parse(asYaml(asyncApi()), { version })).toEqual(JSON.parse(JSON.stringify(asyncApi())))
  }
})
