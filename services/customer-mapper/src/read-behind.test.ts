import { retry, skipped } from '@sync/shared/outcome'
import { aPerson } from '@sync/shared/testing/builders'
import { expect, test } from 'vitest'
import { createWorld } from './testing/world.ts'

const at = (second: number) => `2026-01-01T00:00:0${second}Z`
const START = Date.parse('2026-02-01T00:00:00Z')

/** A customer whose first name was A, whom we have just made B, and of whom Omnium still shows A. */
async function given() {
  const world = createWorld()
  const record = (firstname: string, second: number) =>
    world.flowRecord(aPerson({ firstname, externalId: '1000', lastModifiedAt: at(second) }))
  await world.handle(record('A', 1))
  const before = world.omnium.customer('B2C', '1000')!
  await world.handle(record('B', 2))
  const { getCustomer } = world.omnium
  const shown = { before: true }
  world.omnium.getCustomer = async (...asked) => {
    const current = await getCustomer(...asked)
    return shown.before ? before : current
  }
  const handle = async (delivery: ReturnType<typeof record>, afterMs: number) =>
    (await world.mapper.handle([delivery], { ...world.context, now: () => START + afterMs }))[0]
  const firstName = () => world.omnium.customer('B2C', '1000')?.firstName
  return { world, record, handle, firstName, shown }
}

test('an edit that goes back is no edit that changes nothing, while Omnium does not show the one before', async () => {
  const { record, handle, firstName, shown } = await given()

  expect(await handle(record('A', 3), 100)).toEqual(retry('read-behind', 500))
  shown.before = false

  expect(await handle(record('A', 3), 600)).toMatchObject({ kind: 'done' })
  expect(firstName()).toBe('A')
})

test('an older edit does not pass for a newer one', async () => {
  const { world, record, handle, firstName } = await given()
  world.forget()

  expect(await handle(record('A', 1), 100)).toEqual(retry('read-behind', 500))
  expect([firstName(), world.writes()]).toEqual(['B', []])
})

test('what an Update of the whole company has undone is written again at once', async () => {
  const { world, handle, firstName, shown } = await given()
  shown.before = false
  world.omnium.edit('B2C', '1000', { firstName: 'A', properties: [{ key: 'flowLastModifiedAt', value: at(1) }] })
  world.flow.put(aPerson({ firstname: 'B', externalId: '1000', lastModifiedAt: at(2) }))

  const readAgain = world.flowRecord(aPerson({ lastModifiedAt: null }), { lane: 're-read' })

  expect(await handle(readAgain, 100)).toMatchObject({ kind: 'done' })
  expect(firstName()).toBe('B')
})

test('what Omnium says five seconds later counts', async () => {
  const { record, handle } = await given()

  expect(await handle(record('A', 3), 5_000)).toEqual(skipped('unchanged', at(3)))
})
