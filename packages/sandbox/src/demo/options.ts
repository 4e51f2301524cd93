import { parseArgs } from 'node:util'
import { servicesFolder } from '../services-folder.ts'

export interface DemoOptions {
  /** Compares, sums up and ends, instead of staying. */
  readonly exit: boolean
  readonly help: boolean
  /** Where `<service>/src/main.ts` are. */
  readonly servicesDir: string
  /** TOPIC_PREFIX; undefined: none was set. */
  readonly prefix: string | undefined
}

export const USAGE = `Usage: npm start [-- --exit]

Plays a short day in a shop on a local stack: Kafka, a schema registry, stand-ins for Flow and Omnium, and the four
services as processes of their own. Stays until Ctrl-C, for a look around, and prints what syncctl needs in another terminal.

  --exit   then compare every field of both stand-ins with what they should hold, measure, sum up,
           and end with 0 (all as it should be) or 1

KAFKA_BROKERS with SCHEMA_REGISTRY_URL: use these; TOPIC_PREFIX: goes before the names of all topics.
`

/** Throws a TypeError that says what is wrong with the arguments. */
export function demoOptions(args: readonly string[], env: NodeJS.ProcessEnv): DemoOptions {
  const { values } = parseArgs({
    args: [...args],
    options: { exit: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h', default: false } },
  })
  return {
    ...values,
    servicesDir: servicesFolder(env),
    prefix: env.TOPIC_PREFIX || undefined,
  }
}
