import { keyOf } from '@sync/shared/kafka/publisher'
import { afterEach, expect, it } from 'vitest'
import { eventually } from './eventually.ts'
import { effects, outOfOrder, repeats } from './keyed-check.ts'
import { type KeyedWorld, startKeyedWorld, TENANT } from './keyed-world.ts'

let world: KeyedWorld
afterEach(() => world?.stop())

it('what can never be handled is parked, each once and nothing else, while the others of the topic go on', async () => {
  world = await startKeyedWorld({ file: 'keyed-poison', partitions: 2, env: { RETRY_MAX_ATTEMPTS: '3' } })
  const { sink, load, topics } = world
  sink.behave(({ key, n }) => {
    if (key?.startsWith('refused')) return { status: 422 }
    // Alone: its next record is taken.
    if (key?.startsWith('failing') && n === 1) return { status: 500 }
    return { latencyMs: 5 }
  })
  const fine = Array.from({ length: 30 }, (_, i) => `fine-${i}`)
  const refused = ['refused-1', 'refused-2', 'refused-3']
  const input = 'flow.customers.v1'
  const broken: readonly [string | null, Buffer | null][] = [
    [keyOf(TENANT, 'broken-1'), Buffer.from('not json')],
    [keyOf(TENANT, 'broken-2'), Buffer.concat([Buffer.from([0, 0x7f, 0, 0, 1]), Buffer.from('{}')])],
    [keyOf(TENANT, 'broken-3'), Buffer.alloc(0)],
    ['', Buffer.from('{}')],
    ['a-key-without-a-tenant', Buffer.from('{}')],
  ]
  await world.join('a')
  await world.join('b')

  await load.write(TENANT, fine)
  for (const [key, value] of broken) await topics.write(input, { key, value })
  // A compacted topic takes no record without a key.
  await topics.write('customer-mapper.retry.v1', { key: null, value: Buffer.from('without a key') })
  await load.write('nobody', ['stranger'])
  await topics.write(input, { key: keyOf(TENANT, fine[0]!), value: null })
  await load.write(TENANT, [...refused, 'failing-1', ...fine])
  await load.write(TENANT, ['failing-1', ...fine])

  await eventually('all dead letters', async () => (await world.parked()).length >= 11)
  await world.untilCommitted()
  const letters = await topics.records('customer-mapper.dead-letters.v1')
  const reasons = letters.map(({ key, headers }) => `${key} ${headers['dl-reason']} ${headers['dl-attempts']}`)
  expect(reasons.sort()).toEqual(
    [
      ...broken.map(([key]) => `${key} contract-violation 0`),
      'null contract-violation 0',
      'nobody:stranger unknown-tenant 0',
      ...refused.map((key) => `${keyOf(TENANT, key)} refused 0`),
      `${keyOf(TENANT, 'failing-1')} attempts-exhausted 3`,
    ].sort(),
  )
  const applied = effects(sink.calls).map(({ key, n }) => `${key} ${n}`)
  expect(applied.sort()).toEqual([...fine.flatMap((key) => [1, 2, 3].map((n) => `${key} ${n}`)), 'failing-1 2'].sort())
  expect(outOfOrder(sink.calls)).toEqual([])
  expect(repeats(sink.calls)).toEqual([])
  const tries = sink.calls.filter(({ key, n }) => key === 'failing-1' && n === 1)
  expect(tries.length).toBe(3)
})
