import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createLogger } from './logger.ts'
import { openTenantsFile, type TenantsFile } from './tenants-file.ts'

const entry = (uid: string, more: object = {}) => ({
  uid,
  countryCode: 'NO',
  webhookSecrets: ['secret'],
  flow: { baseUrl: 'http://127.0.0.1:1', token: 'token' },
  omnium: { baseUrl: 'http://127.0.0.1:1', clientId: 'client', clientSecret: 'secret' },
  ...more,
})

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sync-tenants-'))
})
let file: TenantsFile | null = null
afterEach(async () => {
  await file?.stop()
  file = null
  rmSync(folder, { recursive: true })
})

const path = () => join(folder, 'tenants.json')
const write = (...entries: unknown[]) => writeFileSync(path(), JSON.stringify(entries))
/** Whole or not at all: a reader never sees half of it. */
const replace = (...entries: unknown[]) => {
  const next = join(folder, 'next.json')
  writeFileSync(next, JSON.stringify(entries))
  renameSync(next, path())
}
const open = (options: { env?: Record<string, string>; pollMs?: number } = {}) => {
  const lines: string[] = []
  const changes: string[][] = []
  const results: string[] = []
  file = openTenantsFile({
    ...{ path: path(), env: options.env ?? {}, pollMs: options.pollMs ?? 5 },
    logger: createLogger({ service: 'test', level: 'info', destination: { write: (line) => void lines.push(line) } }),
  })
  file.onReload((result) => results.push(result))
  file.onChange((tenants) => changes.push(tenants.all().map(({ uid }) => uid)))
  return { file, lines, changes, results }
}
const uids = () =>
  file!
    .current()
    .all()
    .map(({ uid }) => uid)

describe('a tenants file that changes', () => {
  it('is taken over by itself: tenants that were added, changed and removed', async () => {
    write(entry('acme'), entry('bolt'), entry('gone'))
    const { file, changes, lines } = open()
    const before = file.current()
    await file.start()

    write(entry('acme'), entry('bolt', { countryCode: 'SE' }), entry('new'))
    await expect.poll(uids).toEqual(['acme', 'bolt', 'new'])

    expect(file.current().get('bolt')?.countryCode).toBe('SE')
    // What did not change is the same object, so that nothing about it starts over.
    expect(file.current().get('acme')).toBe(before.get('acme'))
    expect(file.current().get('bolt')).not.toBe(before.get('bolt'))
    expect(changes).toEqual([['acme', 'bolt', 'new']])
    expect(JSON.parse(lines.at(-1)!)).toMatchObject({ added: ['new'], changed: ['bolt'], removed: ['gone'] })
  })

  it('is taken over when another file is moved to its place, also one of the same size and time', async () => {
    write(entry('acme'))
    const { file } = open()
    await file.start()

    replace(entry('bolt'))

    await expect.poll(uids).toEqual(['bolt'])
  })

  it('is read at once when asked, and says so also when nothing changed', async () => {
    write(entry('acme'))
    const { file, changes, results } = open({ pollMs: 3_600_000 })
    await file.start()

    await file.reload()
    write(entry('acme'), entry('bolt'))
    await file.reload()

    expect(results).toEqual(['unchanged', 'applied'])
    expect(changes).toEqual([['acme', 'bolt']])
  })
})

describe('a tenants file that is not valid any more', () => {
  it.each([
    ['is cut off', '[{"uid": "ac'],
    ['lists nobody', '[]'],
    ['has a wrong field', JSON.stringify([entry('acme', { flow: { baseUrl: 'http://example.com', token: 't' } })])],
    ['names a secret that is not there', JSON.stringify([entry('acme', { webhookSecrets: ['file:/nowhere/s'] })])],
  ])('keeps the tenants of before and says why, when it %s', async (_why, text) => {
    write(entry('acme'))
    const { file, changes, lines, results } = open({ pollMs: 3_600_000 })
    await file.start()
    const before = file.current()

    writeFileSync(path(), text)
    await file.reload()

    expect(file.current()).toBe(before)
    expect([changes, results]).toEqual([[], ['invalid']])
    expect(file.problem()).toMatch(/reading tenants: /)
    expect(JSON.parse(lines.at(-1)!)).toMatchObject({ level: 'error', msg: expect.stringContaining('kept') })

    write(entry('acme'), entry('bolt'))
    await file.reload()
    expect(file.problem()).toBeNull()
    expect(uids()).toEqual(['acme', 'bolt'])
  })

  it('is complained of once for each content, and again when asked', async () => {
    write(entry('acme'))
    const { file, results } = open()
    await file.start()

    rmSync(path())
    await expect.poll(() => results).toEqual(['invalid'])
    await file.reload()
    expect(results).toEqual(['invalid', 'invalid'])

    replace(entry('bolt'))
    await expect.poll(uids).toEqual(['bolt'])
    expect(results).toEqual(['invalid', 'invalid', 'applied'])
  })

  it('throws at the start, where there is nothing to keep', () => {
    expect(() => open()).toThrow(/TENANTS_FILE .* can't be read/)
  })
})

describe('a secret in a file', () => {
  it('is read again when it changes, also when it was missing in between', async () => {
    const secret = join(folder, 'secret')
    writeFileSync(secret, 'one\n')
    write(entry('acme', { webhookSecrets: [`file:${secret}`, 'literal'] }))
    const { file, results } = open()
    await file.start()

    writeFileSync(secret, 'two\n')
    await expect.poll(() => file.current().get('acme')?.webhookSecrets).toEqual(['two', 'literal'])
    rmSync(secret)
    await expect.poll(() => results.at(-1)).toBe('invalid')
    expect(file.current().get('acme')?.webhookSecrets).toEqual(['two', 'literal'])
    writeFileSync(secret, 'three\n')

    await expect.poll(() => file.current().get('acme')?.webhookSecrets).toEqual(['three', 'literal'])
  })
})
