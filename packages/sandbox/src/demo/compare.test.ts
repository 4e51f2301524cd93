import { describe, expect, it } from 'vitest'
import { differencesOf, inAnyOrder, jsonOf, rowDifferences, timeBetween } from './compare.ts'

const nothing = { expected: 'nothing' }

describe('differencesOf', () => {
  it('finds none between equal records, however deep', () => {
    const record = { a: 'x', b: { c: [1, { d: null }] } }

    expect(differencesOf(record, structuredClone(record))).toEqual([])
  })

  it.each([
    ['another value', { a: 1 }, { a: 2 }, { where: '.a', expected: '1', actual: '2' }],
    ['a missing field', { a: 1 }, {}, { where: '.a', expected: '1', actual: 'nothing' }],
    ['an unexpected field', {}, { a: 1 }, { where: '.a', ...nothing, actual: '1' }],
    ['an unexpected field that is null', {}, { a: null }, { where: '.a', ...nothing, actual: 'null' }],
    ['an empty text in place of null', { a: null }, { a: '' }, { where: '.a', expected: 'null', actual: '""' }],
    ['a field deeper down', { a: { b: 1 } }, { a: { b: 2 } }, { where: '.a.b', expected: '1', actual: '2' }],
    ['a longer list', { a: [1] }, { a: [1, 2] }, { where: '.a[1]', ...nothing, actual: '2' }],
    ['another order', { a: [{ b: 1 }] }, { a: [{ b: 2 }] }, { where: '.a[0].b', expected: '1', actual: '2' }],
    ['an object in place of a list', { a: [] }, { a: {} }, { where: '.a', expected: '[]', actual: '{}' }],
  ])('names %s', (_case, expected, actual, difference) => {
    expect(differencesOf(expected, actual)).toEqual([difference])
  })
})

describe('a list in any order', () => {
  const expected = {
    list: inAnyOrder(
      ['key'],
      [
        { key: 'a', value: '1' },
        { key: 'b', value: '2' },
      ],
    ),
  }

  it('is the same in another order', () => {
    const list = [
      { key: 'b', value: '2' },
      { key: 'a', value: '1' },
    ]

    expect(differencesOf(expected, { list })).toEqual([])
  })

  it.each([
    [
      'a value',
      [
        { key: 'a', value: '1' },
        { key: 'b', value: '3' },
      ],
      ['.list[b].value'],
    ],
    ['a missing element', [{ key: 'a', value: '1' }], ['.list[b]']],
    ['one too many', [{ key: 'a', value: '1' }, { key: 'b', value: '2' }, { key: 'c' }], ['.list[c]']],
    [
      'one that stands twice',
      [
        { key: 'a', value: '1' },
        { key: 'b', value: '2' },
        { key: 'b', value: '2' },
      ],
      ['.list[b]'],
    ],
    ['no list at all', undefined, ['.list']],
  ])('differs by %s', (_case, list, where) => {
    expect(differencesOf(expected, { list }).map((difference) => difference.where)).toEqual(
      list === undefined ? where : where,
    )
  })
})

describe('a value that is only known by a rule', () => {
  it.each([
    ['a time at the beginning', timeBetween(0, 1000), '1970-01-01T00:00:00.000Z', true],
    ['a time at the end', timeBetween(0, 1000), '1970-01-01T00:00:01.000Z', true],
    ['a time after the end', timeBetween(0, 1000), '1970-01-01T00:00:01.001Z', false],
    ['a time without a zone', timeBetween(0, 1000), '1970-01-01T00:00:00', false],
    ['no time', timeBetween(0, 1000), undefined, false],
    ['JSON of the same', jsonOf({ a: ['1'] }), '{ "a": ["1"] }', true],
    ['JSON of something else', jsonOf({ a: ['1'] }), '{"a":[]}', false],
    ['no JSON', jsonOf({}), 'x', false],
  ])('accepts or refuses %s', (_case, expected, actual, holds) => {
    expect(differencesOf(expected, actual)).toHaveLength(holds ? 0 : 1)
  })
})

describe('rowDifferences', () => {
  it('names rows that are missing and rows that nobody expected', () => {
    const found = rowDifferences(
      { one: { a: 1 }, two: {} },
      new Map<string, unknown>([
        ['one', { a: 2 }],
        ['three', {}],
      ]),
      'flow',
    )

    expect(found).toEqual([
      { where: 'flow one .a', expected: '1', actual: '2' },
      { where: 'flow two', expected: 'to be there', actual: 'missing' },
      { where: 'flow three', expected: 'not to be there', actual: '{}' },
    ])
  })
})
