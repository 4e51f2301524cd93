import { expect, test } from 'vitest'
import { createJournal, type JournalEntry } from './journal.ts'

type Added = Parameters<ReturnType<typeof createJournal>['add']>[0]
const write = (id: string, tenant = 'acme'): Added => ({
  kind: 'write',
  requestId: null,
  tenant,
  resource: 'customer',
  operation: 'updated',
  id,
  user: 'cashier-1',
  version: null,
  parentVersion: null,
  fields: [],
  changed: [],
})
const isOf = (id: string) => (entry: JournalEntry) => entry.kind === 'write' && entry.id === id

test('entries are numbered in the order they were added, and found by what they are about', () => {
  const journal = createJournal(10, () => 5)
  journal.add(write('a'))
  journal.add(write('b', 'other'))
  journal.add(write('a', 'other'))

  expect(journal.writes({ id: 'a' }).map(({ seq }) => seq)).toEqual([1, 3])
  expect(journal.entries({ tenant: 'other', after: 2 }).map(({ seq }) => seq)).toEqual([3])
  expect(journal.entries({ kind: 'request' })).toEqual([])
})

test('only the newest entries are kept, and it says how many were forgotten', () => {
  const journal = createJournal(3, () => 0)

  for (let count = 0; count < 20; count += 1) journal.add(write('a'))

  expect(journal.entries().map(({ seq }) => seq)).toEqual([18, 19, 20])
  expect(journal.forgotten()).toBe(17)
})

test('next answers with an entry that is there, or with the first that comes', async () => {
  const journal = createJournal(10, () => 0)
  journal.add(write('a'))

  const coming = journal.next(isOf('b'))
  journal.add(write('c'))
  journal.add(write('b'))

  expect(await journal.next(isOf('a'))).toMatchObject({ seq: 1 })
  expect(await coming).toMatchObject({ seq: 3 })
})

test('waiting for the next entry ends with its signal', async () => {
  const journal = createJournal(10, () => 0)
  const waiting = new AbortController()

  const coming = journal.next(isOf('a'), waiting.signal)
  waiting.abort(new Error('enough'))

  await expect(coming).rejects.toThrow('enough')
})
