import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseExactJson } from '@sync/shared/exact-json'
import { readFlowCustomer } from '@sync/shared/flow/schema'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { openSpill, type Spill } from './spill.ts'

/** A folder for temporary files of this test alone, so that what is left in it is ours. */
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spill-test-'))
  vi.stubEnv('TMPDIR', folder)
})

afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true, force: true })
})

async function bucketsOf(spill: Spill, stream: string): Promise<unknown[][]> {
  const buckets: unknown[][] = []
  for (let bucket = 0; bucket < spill.buckets; bucket++) {
    buckets.push(await Array.fromAsync(spill.read(stream, bucket)))
  }
  return buckets
}

describe('what is spilled', () => {
  test.each([
    ['a record', { customerUid: '1000', address: { city: 'Ålesund' }, contacts: [null, 1, true] }],
    ['line breaks', { text: 'one\ntwo\r\nthree\rfour' }],
    ['quotes and other scripts', { text: '"\\ 東京 👋🏽 \u0000' }],
    ['a text', 'plain'],
    ['null', null],
    ['a number with more digits than a double has', parseExactJson('{"a":[6035550000012345679]}')],
  ])('comes back as it was: %s', async (_, value) => {
    const spill = await openSpill(1)

    await spill.add('flow', '1000', value)

    expect(await bucketsOf(spill, 'flow')).toEqual([[value]])
  })

  test('is a customer as the peer answered it, so that it reads the same again', async () => {
    const answered = { customerUid: 7, email: {}, contacts: null }
    const spill = await openSpill(1)

    await spill.add('flow', '7', { customer: readFlowCustomer(answered) })

    expect(await bucketsOf(spill, 'flow')).toEqual([[{ customer: answered }]])
  })

  test('comes back in the order of writing, also past what is kept in memory', async () => {
    const spill = await openSpill(1)
    const values = Array.from({ length: 30 }, (_, n) => ({ n, text: 'x'.repeat(500_000) }))

    for (const value of values) await spill.add('flow', String(value.n), value)

    const [read = []] = await bucketsOf(spill, 'flow')
    expect(read.map((value) => (value as { n: number }).n)).toEqual(values.map(({ n }) => n))
    expect(read.at(-1)).toEqual(values.at(-1))
  })

  test('stands in one bucket by its id, the same one in every stream', async () => {
    const spill = await openSpill(4)
    const ids = Array.from({ length: 100 }, (_, n) => `customer-${n}`)

    for (const id of ids) {
      await spill.add('flow', id, id)
      await spill.add('omnium', id, id)
    }

    const inFlow = await bucketsOf(spill, 'flow')
    expect(inFlow.flat().toSorted()).toEqual(ids.toSorted())
    expect(inFlow.every((bucket) => bucket.length > 0)).toBe(true)
    expect(await bucketsOf(spill, 'omnium')).toEqual(inFlow)
  })

  test('can be read again, and added to after it was read', async () => {
    const spill = await openSpill(1)
    await spill.add('flow', '1', 'first')

    const once = await bucketsOf(spill, 'flow')
    await spill.add('flow', '2', 'second')

    expect(once).toEqual([['first']])
    expect(await bucketsOf(spill, 'flow')).toEqual([['first', 'second']])
    expect(await bucketsOf(spill, 'flow')).toEqual([['first', 'second']])
  })

  test('can feed another stream while it is read', async () => {
    const spill = await openSpill(1)
    for (const n of [1, 2, 3]) await spill.add('asked', '', n)

    for await (const n of spill.read<number>('asked', 0)) await spill.add('answers', '', n * 10)

    expect(await bucketsOf(spill, 'answers')).toEqual([[10, 20, 30]])
  })

  test('is nothing in a stream that nobody wrote to', async () => {
    const spill = await openSpill(2)

    expect(await bucketsOf(spill, 'flow')).toEqual([[], []])
  })
})

describe('the folder', () => {
  test('can be read by this user alone', async () => {
    const spill = await openSpill(1)
    await spill.add('flow', '1', 'secret')
    await bucketsOf(spill, 'flow')

    const [own = ''] = await readdir(folder)
    const files = await readdir(join(folder, own))

    const modeOf = async (path: string) => (await stat(path)).mode & 0o777
    expect(await modeOf(join(folder, own))).toBe(0o700)
    expect(files).toHaveLength(1)
    expect(await modeOf(join(folder, own, files[0]!))).toBe(0o600)
  })

  test('is gone once it is removed, however often that is asked for', async () => {
    const spill = await openSpill(2)
    for (const id of ['1', '2', '3']) await spill.add('flow', id, id)
    await bucketsOf(spill, 'flow')

    await spill.remove()
    await spill.remove()

    expect(await readdir(folder)).toEqual([])
  })
})
