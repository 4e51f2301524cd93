import { parseArgs } from 'node:util'
import { createChance } from './chance.ts'

export interface ChaosOptions {
  readonly minutes: number
  readonly seed: number
  readonly instances: number
  readonly tenants: number
  readonly customers: number
  readonly rate: number
  readonly brokers: 1 | 3
}

export const USAGE =
  'usage: npm run chaos -- [--minutes 5] [--seed N] [--instances 3] [--tenants 4] [--customers 500] [--rate 100] [--brokers 1|3]'

/** Throws an Error with the usage when something is not a number above 0. `randomSeed` when none is given. The seed draws the number of brokers. */
export function readOptions(args: readonly string[], randomSeed: number): ChaosOptions {
  const number = { type: 'string' } as const
  let values: Partial<Record<keyof ChaosOptions, string>>
  try {
    const options = {
      ...{ minutes: number, seed: number, instances: number },
      ...{ tenants: number, customers: number, rate: number, brokers: number },
    }
    values = parseArgs({ args: [...args], options }).values
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${USAGE}`)
  }
  const read = (name: keyof ChaosOptions, fallback: number, isWhole = true) => {
    const value = Number(values[name] ?? fallback)
    const isGood =
      Number.isFinite(value) && (name === 'seed' ? value >= 0 : value > 0) && (!isWhole || Number.isInteger(value))
    if (!isGood) throw new Error(`--${name} must be a ${isWhole ? 'whole ' : ''}number above 0\n${USAGE}`)
    return value
  }
  const seed = read('seed', randomSeed)
  const brokers = read('brokers', createChance(seed, 'number of brokers').pick([1, 3]))
  if (brokers !== 1 && brokers !== 3) throw new Error(`--brokers must be 1 or 3\n${USAGE}`)
  return {
    brokers,
    minutes: read('minutes', 5, false),
    seed,
    instances: read('instances', 3),
    tenants: read('tenants', 4),
    customers: read('customers', 500),
    rate: read('rate', 100, false),
  }
}
