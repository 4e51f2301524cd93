import { expect, it } from 'vitest'
import { done, park, retry, skipped, withNotes } from './outcome.ts'

it.each([done(), skipped('unchanged'), retry('target-failed'), park('refused', 'updating a customer in omnium: 400')])(
  'an outcome %o keeps its notes when more are added, each name once',
  (outcome) => {
    const noted = withNotes(withNotes(outcome, { unreadable: ['email', 'city'] }), {
      unreadable: ['address', 'email'],
      notRemoved: ['contacts'],
    })

    expect(noted).toEqual({
      ...outcome,
      notes: { unreadable: ['email', 'city', 'address'], notRemoved: ['contacts'] },
    })
    expect(withNotes(outcome, { unreadable: [], notRemoved: [] })).toBe(outcome)
  },
)
