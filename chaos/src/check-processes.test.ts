import { describe, expect, it } from 'vitest'
import { checkProcesses, checkTexts } from './check-processes.ts'
import type { Fleet } from './fleet.ts'

describe('the check of the processes', () => {
  const fleet = (oddEnds: Fleet['oddEnds'], peak: number) =>
    ({ oddEnds, memory: () => [{ instance: 'a-0', peak, last: peak, parts: '' }] }) as unknown as Fleet

  it('finds one that ended by itself, and one that took too much', () => {
    expect(checkProcesses(fleet([], 200)).map(({ wrong }) => wrong.length)).toEqual([0, 0])
    expect(checkProcesses(fleet([{ instance: 'a-0', how: 'code 1' }], 500)).map(({ wrong }) => wrong.length)).toEqual([
      1, 1,
    ])
  })
})

describe('the check of texts', () => {
  it.each([
    ['a name', 'updating Kari zq1fx failed'],
    ['an e-mail', '{"email":"zq9ax@example.com"}'],
    ['a phone', 'to +4759000001'],
    ['a phone with 00', 'to 004759000001'],
    ['a phone without a country code', '{"phone":"59000001"}'],
    ['a secret', 'Bearer a-secret'],
  ])('finds %s', (_, line) => {
    expect(checkTexts(new Map([['log', [`fine\n${line}`]]]), ['a-secret']).wrong).toHaveLength(1)
  })

  it('finds nothing in ids and times', () => {
    const line = '{"key":"tenant-1:+4799web-3","at":"2026-01-01T00:00:00Z","id":"c-475901"}'
    expect(checkTexts(new Map([['log', [line]]]), ['a-secret'])).toMatchObject({ counted: 1, wrong: [] })
  })
})
