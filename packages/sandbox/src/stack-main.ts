import { parseArgs } from 'node:util'
import { SERVICES } from '@sync/shared/kafka/topics'
import { envLines } from './dev/env-lines.ts'
import { pathWithNode } from './dev/path-with-node.ts'
import { defaultPorts, webhookUrlAt } from './dev/ports.ts'
import { curlsFor, TENANT } from './dev/tenant.ts'
import { interruptedBySignal } from './interrupted.ts'
import { optionsOrExit } from './options-or-exit.ts'
import { type Stop, stopAll } from './stops.ts'
import { startSurroundings } from './surroundings.ts'
import { aborted, unless } from './unless.ts'

/**
 * `npm run stack`: everything around the services, until a signal. Standard output gets the environment to paste and
 * nothing else. Whatever way it ends, nothing that it started is left: its keepers see that it is gone.
 */
const USAGE = `Usage: npm run stack

Starts Kafka with all topics, a schema registry, and stand-ins for Flow and Omnium with one tenant, ${TENANT}, and stays until
Ctrl-C. Standard output is what the services and syncctl need, as lines for a shell, and where the stand-ins are told what
to do. To keep it in a file: npm run --silent stack > stack.env

KAFKA_BROKERS with SCHEMA_REGISTRY_URL: use these; TOPIC_PREFIX: goes before the names of all topics.
FLOW_WEBHOOK_URL, OMNIUM_WEBHOOK_URL: where webhooks go, {tenant} in it is the tenant; else to the ingest services' own ports.
FLOW_PORT, OMNIUM_PORT: of the stand-ins, else free ones.
`
const STOP_WITHIN_MS = 30_000

const interrupted = interruptedBySignal()
optionsOrExit(
  (args) => parseArgs({ args: [...args], options: { help: { type: 'boolean', short: 'h', default: false } } }).values,
  USAGE,
)
const say = (text: string) => process.stderr.write(`${text}\n`)
const stops: Stop[] = []
let code = 0
try {
  const { env } = process
  const { serviceEnv, urls } = await unless(
    interrupted,
    startSurroundings({
      ...{ name: 'stack', tenant: TENANT, stops, log: say, started: (what) => say(`ready: ${what}`) },
      env: {
        ...env,
        FLOW_WEBHOOK_URL: env.FLOW_WEBHOOK_URL || webhookUrlAt('flow', defaultPorts('flow-ingest').http),
        OMNIUM_WEBHOOK_URL: env.OMNIUM_WEBHOOK_URL || webhookUrlAt('omnium', defaultPorts('omnium-ingest').http),
      },
    }),
  )
  const admin = { FLOW_ADMIN_URL: `${urls.flow}/_admin`, OMNIUM_ADMIN_URL: `${urls.omnium}/_admin` }
  say('\nThe environment of the services is on standard output, to be pasted, or read from a file:\n')
  process.stdout.write(envLines({ PATH: pathWithNode(env.PATH), ...serviceEnv, ...admin }))
  say('\nIn shells that have it, start the services:\n')
  for (const name of SERVICES) {
    say(`  node services/${name}/src/main.ts`)
  }
  say('\nand make something happen:\n')
  for (const line of curlsFor({ flow: '$FLOW_ADMIN_URL', omnium: '$OMNIUM_ADMIN_URL' })) say(`  ${line}`)
  say('\nCtrl-C ends it.')
  await aborted(interrupted)
} catch (error) {
  if (!interrupted.aborted) {
    code = 1
    say((error as Error).message)
  }
}
await stopAll(stops, STOP_WITHIN_MS, say)
process.exit(code)
