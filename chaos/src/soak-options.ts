import { parseArgs } from 'node:util'

export const USAGE =
  'usage: npm run soak -- [--minutes 30] [--rate 200] [--customers 2000] [--tenants 4] [--instances 1]'

/** Throws an Error when something is not a number above 0, or not an option. */
export function readSoakOptions(args: readonly string[]) {
  const number = (fallback: string) => ({ type: 'string', default: fallback }) as const
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...{ minutes: number('30'), rate: number('200'), customers: number('2000') },
      ...{ tenants: number('4'), instances: number('1') },
    },
  })
  const read = (name: keyof typeof values) => {
    const value = Number(values[name])
    if (!(value > 0)) throw new Error(`--${name} must be a number above 0`)
    return value
  }
  return {
    ...{ minutes: read('minutes'), rate: read('rate'), customers: read('customers') },
    ...{ tenants: read('tenants'), instances: read('instances') },
  }
}
