import { mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Cluster } from './cluster.ts'
import { openState } from './state.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sync-state-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const open = (identity: object, prefix = '') => {
  const config = { kafkaBrokers: ['kafka:9092'], syncctlStateDir: join(folder, 'state') }
  return openState<{ page: number }>({ config, prefix } as unknown as Cluster, 'backfill', identity)
}
const fileOf = async () => join(folder, 'state', (await readdir(join(folder, 'state')))[0]!)

describe('the state of a long command', () => {
  test('is there for the same command against the same cluster, and for no other', async () => {
    await open({ tenant: 'acme' }).write({ page: 7 })

    expect(await open({ tenant: 'acme' }).read()).toEqual({ page: 7 })
    expect(await open({ tenant: 'other' }).read()).toBeNull()
    expect(await open({ tenant: 'acme' }, 'blue.').read()).toBeNull()
  })

  test('is gone once it was removed, and was never there before', async () => {
    const state = open({ tenant: 'acme' })
    expect(await state.read()).toBeNull()
    await state.write({ page: 1 })

    await state.remove()

    expect(await state.read()).toBeNull()
    await state.remove()
  })

  test('is for this user alone', async () => {
    await open({ tenant: 'acme' }).write({ page: 1 })

    expect((await stat(await fileOf())).mode & 0o077).toBe(0)
    expect((await stat(join(folder, 'state'))).mode & 0o077).toBe(0)
  })

  test('that was left lying for a day is forgotten', async () => {
    await open({ tenant: 'acme' }).write({ page: 1 })
    const longAgo = new Date(Date.now() - 25 * 3_600_000)
    await utimes(await fileOf(), longAgo, longAgo)

    expect(await open({ tenant: 'acme' }).read()).toBeNull()
  })

  test('that can’t be read is none', async () => {
    await open({ tenant: 'acme' }).write({ page: 1 })
    await writeFile(await fileOf(), '{"page":')

    expect(await open({ tenant: 'acme' }).read()).toBeNull()
  })
})
