import { expect, it } from 'vitest'
import { readOptions, USAGE } from './options.ts'

it('what is not said is as the usage says, and the seed by chance', () => {
  expect(readOptions(['--brokers', '3'], 42)).toEqual({
    ...{ minutes: 5, seed: 42, instances: 3, tenants: 4, customers: 500, rate: 100, brokers: 3 },
  })
  expect(readOptions(['--minutes', '0.5', '--seed', '0', '--rate=20'], 42)).toMatchObject({
    ...{ minutes: 0.5, seed: 0, rate: 20 },
  })
})

it('the seed draws the number of brokers', () => {
  const brokersOf = (seed: number) => readOptions([], seed).brokers

  expect(brokersOf(42)).toBe(brokersOf(42))
  expect(new Set(Array.from({ length: 20 }, (_, seed) => brokersOf(seed)))).toEqual(new Set([1, 3]))
})

it.each([
  ['--brokers', '2'],
  ['--minutes', '0'],
  ['--instances', '1.5'],
  ['--tenants', 'x'],
  ['--seed', '-1'],
  ['--speed', '1'],
])('%s %s is refused with the usage', (...args) => {
  expect(() => readOptions(args, 42)).toThrow(USAGE)
})
