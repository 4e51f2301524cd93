import { describe, expect, it } from 'vitest'
import { percentile } from './percentile.ts'
import { type Finding, isAsExpected, summary } from './summary.ts'

const plain = (_style: unknown, text: string) => text
const step = { at: '09:00', title: 'Kari registers', failure: null, latenciesMs: [41, 55] }
const finding = (parts: Partial<Finding> = {}): Finding => ({
  results: [step],
  differences: [],
  comparedFields: 7,
  latenciesMs: [10, 20, 30],
  troubles: [],
  errors: ['flow-ingest logged: no answer'],
  tookMs: 12_345,
  ...parts,
})
const difference = { where: 'Flow 1 .city', expected: '"Oslo"', actual: 'nothing' }

describe('the summary of a day', () => {
  it('shows each step with its slowest effect, what was compared, and the latency at rest', () => {
    expect(summary(finding(), plain)).toEqual([
      '       Step            Result  Latency',
      '09:00  Kari registers  ok        55 ms',
      '',
      '7 fields of both stand-ins and their topics: all as expected',
      'Till → Omnium at rest, 3 edits: p50 20 ms, p99 30 ms',
      '',
      'As it should be, in 12.3 s.',
    ])
  })

  it('lists what failed, what troubled, and what differs', () => {
    const failed = { ...step, failure: 'in Omnium: not within 30 s' }

    const lines = summary(
      finding({ results: [failed], differences: [difference], latenciesMs: [], troubles: ['flow-ingest: ended'] }),
      plain,
    )

    expect(lines).toEqual([
      '       Step            Result  Latency',
      '09:00  Kari registers  FAILED',
      '',
      '7 fields of both stand-ins and their topics: 1 differ',
      'flow-ingest: ended',
      'flow-ingest logged: no answer',
      'Flow 1 .city',
      '  expected "Oslo"',
      '  found    nothing',
      '',
      'Not as it should be, after 12.3 s.',
    ])
  })

  it('stays short however much differs', () => {
    const lines = summary(finding({ differences: Array.from({ length: 500 }, () => difference) }), plain)

    expect(lines).toContain('and 460 more')
    expect(lines.length).toBeLessThan(150)
  })

  it.each([
    ['all is well', {}, true],
    ['a step failed', { results: [{ ...step, failure: 'why' }] }, false],
    ['a field differs', { differences: [difference] }, false],
    ['a service ended', { troubles: ['flow-ingest: ended'] }, false],
  ])('when %s, the day is as expected or not', (_case, parts, expected) => {
    expect(isAsExpected(finding(parts))).toBe(expected)
  })
})

it.each([
  ['the middle of an odd number', [3, 1, 2], 0.5, 2],
  ['the lower middle of an even number', [1, 2, 3, 4], 0.5, 2],
  ['the greatest of a few', [1, 2, 3], 0.99, 3],
  ['the last but one of a hundred', Array.from({ length: 100 }, (_, i) => i + 1), 0.99, 99],
  ['the least', [2, 1], 0, 1],
  ['nothing of nothing', [], 0.5, Number.NaN],
])('the percentile is %s', (_case, values, share, expected) => {
  expect(percentile(values, share)).toBe(expected)
})
