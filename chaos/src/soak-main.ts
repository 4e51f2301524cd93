import { parseArgs } from 'node:util'
import { runSoak } from './soak.ts'

const USAGE = 'usage: npm run soak -- [--minutes 30] [--rate 200] [--customers 2000] [--tenants 4] [--instances 1]'

const interrupted = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => interrupted.abort(new Error(`interrupted by ${signal}`)))
}

function readOptions() {
  const number = (fallback: string) => ({ type: 'string', default: fallback }) as const
  const { values } = parseArgs({
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

try {
  process.exitCode = (await runSoak(readOptions(), (line) => console.log(line), interrupted.signal)) ? 0 : 1
} catch (error) {
  console.error(`${(error as Error).message}\n${USAGE}`)
  process.exitCode = 1
}
// What a fault that was cut short has left, a connection or a timer, must not keep a run that is over.
process.exit()
