import { expect, test } from 'vitest'
import { mergeElements } from './merge-elements.ts'

const merged = (
  current: Record<string, unknown>[],
  mapped: [string, Record<string, string | null | string[]>][],
  written: string[] = [],
) =>
  mergeElements(
    current,
    mapped.map(([id, fields]) => ({ id, fields })),
    written,
    'id',
    'NO',
    false,
  )

test('what is equal is left as it is', () => {
  const current = [{ id: 'c1', firstName: 'A', email: null, roles: ['buyer'] }]

  expect(merged(current, [['c1', { firstName: 'A', email: null, phone: null }]])).toEqual({
    elements: current,
    differs: false,
    old: [],
    isSendable: true,
  })
})

test('what differs is laid over the element of its id, whose other fields stay', () => {
  const { elements, differs } = merged([{ id: 'c1', firstName: 'A', roles: ['buyer'] }], [['c1', { firstName: 'B' }]])

  expect(differs).toBe(true)
  expect(elements).toEqual([{ id: 'c1', firstName: 'B', roles: ['buyer'] }])
})

test('an emptied field clears, an absent one stays', () => {
  const { elements } = merged([{ id: 'c1', firstName: 'A', email: 'a@example.com' }], [['c1', { firstName: null }]])

  expect(elements).toEqual([{ id: 'c1', firstName: null, email: 'a@example.com' }])
})

test('a new element comes last, without its empty fields', () => {
  const { elements } = merged([{ id: 'web' }], [['c1', { firstName: 'A', email: null, purposes: [] }]])

  expect(elements).toEqual([{ id: 'web' }, { id: 'c1', firstName: 'A' }])
})

test('only what we wrote and Flow no longer has is left out', () => {
  const { elements, differs, old } = merged(
    [{ id: 'web' }, { id: 'c1' }, { id: 'c2' }, { firstName: 'no id' }],
    [['c2', {}]],
    ['c1', 'c2', 'gone'],
  )

  expect(differs).toBe(true)
  expect(elements).toEqual([{ id: 'web' }, { id: 'c2' }, { firstName: 'no id' }])
  expect(old).toEqual([{ id: 'c1', why: 'removed' }])
})

test('an element of ours that is gone already is no difference', () => {
  expect(merged([{ id: 'web' }], [], ['c1'])).toMatchObject({ elements: [{ id: 'web' }], differs: false, old: [] })
})

test('ids compare as strings', () => {
  expect(merged([{ id: 7, firstName: 'A' }], [['7', { firstName: 'A' }]]).differs).toBe(false)
})

test('of elements that share an id the first is brought to what Flow says, and the others are left out', () => {
  const [before, after] = [
    { id: 'c1', email: 'x' },
    { id: 'c1', email: 'y' },
  ]

  expect(merged([before, after], [['c1', { email: 'x' }]])).toMatchObject({
    elements: [before],
    differs: true,
    old: [{ id: 'c1', why: 'second' }],
  })
  expect(merged([after, before], [['c1', { email: 'x' }]])).toMatchObject({
    elements: [{ id: 'c1', email: 'x' }],
    old: [
      { id: 'c1', why: 'replaced', form: after },
      { id: 'c1', why: 'second' },
    ],
  })
})

test.each([
  [['A'], ['A'], false],
  [['A', 'B'], ['A'], true],
  [undefined, [], false],
  [null, [], false],
  [['A'], [], true],
  [undefined, ['A'], true],
])('purposes %j against %j differ: %j', (current, mapped, expected) => {
  expect(merged([{ id: 'a1', purposes: current }], [['a1', { purposes: mapped }]]).differs).toBe(expected)
})
