import { aCompany, anOmniumCustomer, aPerson } from '@sync/shared/testing/builders'
import { describe, expect, test } from 'vitest'
import { relationDrifts } from './reconcile-compare.ts'
import { concludesNoChildren, incompleteDrift, lackingList, saidByListed } from './reconcile-incomplete.ts'

describe('the list whose lack of a customer a drift rests on', () => {
  const here = anOmniumCustomer({})
  test.each([
    ['nobody in Flow', { flow: null, private: here, business: null }, 'customers of flow'],
    [
      'a person without a private customer',
      { flow: aPerson(), private: null, business: null },
      'private customers of omnium',
    ],
    ['a person that is a company', { flow: aPerson(), private: null, business: here }, 'private customers of omnium'],
    ['a company without one', { flow: aCompany(), private: here, business: null }, 'business customers of omnium'],
    ['a person in both', { flow: aPerson(), private: here, business: null }, null],
    ['a company in both', { flow: aCompany(), private: null, business: here }, null],
    ['no type that we know', { flow: aPerson({ customerType: 'ROBOT' }), private: null, business: null }, null],
  ])('%s', (_, pair, list) => {
    expect(lackingList(pair)).toBe(list)
  })
})

describe('a company of an incomplete list', () => {
  const company = {
    id: 'P',
    parents: [],
    parentVersion: '',
    children: ['a', 'b'],
    parentCompany: 'true',
    isHidden: false,
  }

  test('is not told to drop a child that the list lacks', () => {
    const said = new Map([
      ['a', { parents: ['P'], parentVersion: '' }],
      ['b', null],
    ])

    expect(relationDrifts('acme', 'P', company, said)).toMatchObject([{ kind: 'one-sided-relation', related: 'b' }])
    expect(relationDrifts('acme', 'P', company, saidByListed(said))).toEqual([])
  })

  test('is not told that it is no parent, because no child of it is listed', () => {
    const [drift] = relationDrifts('acme', 'P', { ...company, children: [] }, new Map())

    expect(concludesNoChildren(drift!)).toBe(true)
    const [other] = relationDrifts('acme', 'P', { ...company, parentCompany: null }, new Map())
    expect(concludesNoChildren(other!)).toBe(false)
  })
})

test('an incomplete list is reported among the drifts, with the counts', () => {
  const drift = incompleteDrift('acme', {
    list: 'private customers of omnium',
    why: '50 items are listed, but the total is 60',
  })

  expect(drift).toMatchObject({ kind: 'incomplete-list', target: 'omnium', repair: 'reported', cure: null })
  expect(drift.why).toBe('private customers of omnium: 50 items are listed, but the total is 60')
})
