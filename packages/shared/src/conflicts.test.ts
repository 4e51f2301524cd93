import { expect, test } from 'vitest'
import { createConflicts } from './conflicts.ts'
import { SyncError } from './errors.ts'

const conflict = new SyncError('version-conflict', 'updating a customer in omnium: 409 Conflict', { status: 409 })
const conflicts = () => createConflicts({ random: () => 0.5 })

test('waits longer after the second conflict in a row, and refuses the third', () => {
  const of = conflicts()
  expect(of.outcomeOf('acme:1', conflict, 0)).toMatchObject({ kind: 'retry', reason: 'version-conflict', afterMs: 500 })
  expect(of.outcomeOf('acme:1', conflict, 600)).toMatchObject({ kind: 'retry', afterMs: 2_000 })
  expect(of.outcomeOf('acme:1', conflict, 3_000)).toMatchObject({ kind: 'park', reason: 'refused' })
  expect(of.outcomeOf('acme:1', conflict, 9_000)).toMatchObject({ kind: 'retry', afterMs: 500 })
})

test('neither counts nor refuses a conflict while an own write with an unknown end may be executed', () => {
  const of = conflicts()
  of.outcomeOf('acme:1', conflict, 0)
  of.expectUntil('acme:1', 16_000)
  for (const nowMs of [1_000, 2_000, 15_999]) {
    expect(of.outcomeOf('acme:1', conflict, nowMs)).toMatchObject({ kind: 'retry', reason: 'brownout', afterMs: 1_000 })
  }
  expect(of.outcomeOf('acme:2', conflict, 2_000)).toMatchObject({ kind: 'retry', reason: 'version-conflict' })
  expect(of.outcomeOf('acme:1', conflict, 16_000)).toMatchObject({ kind: 'retry', reason: 'version-conflict' })
  expect(of.outcomeOf('acme:1', conflict, 17_000)).toMatchObject({ kind: 'park', reason: 'refused' })
})

test('counts each key on its own, and begins anew after a success or a minute', () => {
  const of = conflicts()
  of.outcomeOf('acme:1', conflict, 0)
  of.outcomeOf('acme:1', conflict, 1)
  expect(of.outcomeOf('acme:2', conflict, 2)).toMatchObject({ kind: 'retry', afterMs: 500 })
  of.forget('acme:1')
  expect(of.outcomeOf('acme:1', conflict, 3)).toMatchObject({ kind: 'retry', afterMs: 500 })
  expect(of.outcomeOf('acme:1', conflict, 60_004)).toMatchObject({ kind: 'retry', afterMs: 500 })
})
