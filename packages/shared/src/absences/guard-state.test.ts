import { expect, test } from 'vitest'
import { redactFields } from '../redact.ts'
import { tripFields } from './guard-state.ts'

test('the log line about a trip shows how many ids were missing, of how many reads', () => {
  const state = {
    tenant: 'acme',
    target: 'omnium',
    isTripped: true,
    at: '2026-01-01T00:00:00Z',
    missing: 21,
    reads: 40,
  } as const

  const shown = redactFields(tripFields(state), (key) => key)

  expect(shown).toEqual({ tenant: 'acme', target: 'omnium', missingCount: 21, readCount: 40 })
})
