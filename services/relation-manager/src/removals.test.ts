import { done } from '@sync/shared/outcome'
import { aTenant } from '@sync/shared/testing/builders'
import { expect, test } from 'vitest'
import { createRemovals } from './removals.ts'

const tenant = aTenant()
const at = (seconds: number) => 1_000_000 + seconds * 1_000
const NOTHING = new Map()

test('a removal is written by a PATCH, read after 2 s and after 10 s, then written by an Update, read again and given up', () => {
  const removals = createRemovals()
  const step = (seconds: number) => removals.stepOf('acme:C', tenant, at(seconds))

  expect(step(0)).toBe('patch')
  expect(removals.awaitRead('acme:C', 'patch', NOTHING, at(0))).toBe(2_000)
  expect(step(2)).toBe('patch')
  expect(removals.awaitRead('acme:C', 'patch', NOTHING, at(2))).toBe(8_000)
  expect(step(10)).toBe('update')
  expect(removals.awaitRead('acme:C', 'update', NOTHING, at(10))).toBe(2_000)
  expect(step(12)).toBe('patch')
  expect(removals.awaitRead('acme:C', 'patch', NOTHING, at(12))).toBe(8_000)
  expect(step(20)).toBe('give-up')
})

test('a tenant whose PATCH has removed nothing is updated at once for an hour, and another tenant is not', () => {
  const removals = createRemovals()
  removals.awaitRead('acme:C', 'patch', NOTHING, at(0))
  removals.stepOf('acme:C', tenant, at(10))
  removals.finish('acme:C')

  expect(removals.stepOf('acme:D', tenant, at(11))).toBe('update')
  expect(removals.stepOf('other:D', aTenant({ uid: 'other' }), at(11))).toBe('patch')
  expect(removals.stepOf('acme:D', tenant, at(10 + 3_600))).toBe('patch')
})

test('a tenant that says so is updated at once', () => {
  const { omnium } = tenant
  const told = aTenant({ omnium: { ...omnium, listRemoval: 'update' } })
  expect(createRemovals().stepOf('acme:C', told, at(0))).toBe('update')
})

test('what a record was written with is kept until the removal is over', () => {
  const removals = createRemovals()
  const outcome = done({ operation: 'updated' })
  removals.awaitRead('acme:C', 'patch', new Map([['0/1', outcome]]), at(0))
  removals.awaitRead('acme:C', 'patch', new Map([['0/2', outcome]]), at(2))

  expect(removals.outcomeOf('acme:C', '0/1')).toBe(outcome)
  expect(removals.outcomeOf('acme:C', '0/2')).toBe(outcome)
  removals.finish('acme:C')
  expect(removals.outcomeOf('acme:C', '0/1')).toBeUndefined()
})
