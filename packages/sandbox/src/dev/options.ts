import { parseArgs } from 'node:util'
import { servicesFolder } from '../services-folder.ts'

export interface DevOptions {
  readonly help: boolean
  readonly freePorts: boolean
  /** Where `<service>/src/main.ts` are. */
  readonly servicesDir: string
}

export const USAGE = `Usage: npm run dev [-- --free-ports]

Starts Kafka with all topics, a schema registry, stand-ins for Flow and Omnium with one tenant, and the four services. Each
service is restarted when a file changes that it imports. All logs in this terminal, until Ctrl-C.

  --free-ports   any free ports instead of the services' own (webhooks 8081 and 8082, admin 9401 to 9404)

Every setting of the services that is set here is theirs too, such as LOG_LEVEL=debug.
KAFKA_BROKERS with SCHEMA_REGISTRY_URL: use these; TOPIC_PREFIX: goes before the names of all topics.
FLOW_PORT, OMNIUM_PORT: of the stand-ins, else free ones.
`

/** Throws a TypeError that says what is wrong with the arguments. */
export function devOptions(args: readonly string[], env: NodeJS.ProcessEnv): DevOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      'free-ports': { type: 'boolean', default: false },
    },
  })
  return { help: values.help, freePorts: values['free-ports'], servicesDir: servicesFolder(env) }
}
