import { randomBytes, randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createContracts } from '@sync/shared/contracts/registry'
import { applyTopics } from '@sync/shared/kafka/apply-topics'
import { createKafka } from '@sync/shared/kafka/connect'
import { deadLetterTopicOf, SERVICES } from '@sync/shared/kafka/topics'
import type { Admin } from 'kafkajs'
import { createFlowApi, type FlowApi } from '../flow-api.ts'
import { startKeeper } from '../keep.ts'
import { createOmniumApi, type OmniumApi } from '../omnium-api.ts'
import { type Stack, startStack } from '../stack.ts'
import type { DemoOptions } from './options.ts'
import { duration, type Screen } from './screen.ts'
import { type Services, startServices } from './services.ts'
import { startTopicLog, type TopicLog } from './topic-log.ts'

/** An invented retailer. */
export const TENANT = 'nordlys-no'

const READY_WITHIN_MS = 45_000
const STOP_WITHIN_MS = 10_000
/** What a tenant may be called with; far above what the day takes, so that no rate limit shows in the latencies. */
const REQUESTS_PER_SECOND = 500

const LOGGED = ['flow.orders.v1', 'omnium.orders.v1', ...SERVICES.map(deadLetterTopicOf)] as const

/** All that takes part in the day, running. */
export interface System {
  readonly stack: Stack
  readonly prefix: string
  readonly flow: FlowApi
  readonly omnium: OmniumApi
  readonly urls: { readonly flow: string; readonly omnium: string }
  readonly services: Services
  /** What webhooks carry as their bearer. */
  readonly webhookSecret: string
  readonly logFolder: string
  readonly admin: Admin
  readonly log: TopicLog
}

type Stop = () => Promise<unknown>

/**
 * Starts everything, telling the screen. `stops` gets what ends each part, also when a later one fails; to be run from
 * the last to the first. Rejects when something can't be started; a service that doesn't get ready is not that.
 */
export async function startSystem(
  { servicesDir, prefix: given }: DemoOptions,
  env: NodeJS.ProcessEnv,
  screen: Screen,
  stops: Stop[],
): Promise<System> {
  const started = starting(screen)
  const stack = await startStack({ env, log: (message) => screen.line(screen.paint('dim', message)) })
  stops.push(() => stack.stop())
  // Somebody else's broker may have topics of ours already: those of a running system, or of a day before.
  const prefix = given ?? (stack.mode === 'given' ? `demo-${randomUUID().slice(0, 8)}.` : '')
  started(`Kafka at ${stack.brokers.join(', ')} and the schema registry (${stack.mode})`)

  const kafka = createKafka(
    { kafkaBrokers: stack.brokers, kafkaSsl: false, ...noSasl },
    { clientId: 'demo', retries: 3 },
  )
  const admin = kafka.admin()
  await admin.connect()
  stops.push(() => admin.disconnect())
  const contracts = createContracts({ registryUrl: stack.registryUrl, prefix })
  const applied = await applyTopics(admin, contracts, { prefix })
  if (applied.refused)
    throw new Error(`applying topics: refused, ${applied.problems.map((it) => it.message).join('; ')}`)
  const topics = applied.created.length + applied.existing.length
  started(`${topics} topics of ${applied.partitions} partitions, ${applied.contracts.length} contracts`)

  const secrets = { webhook: newSecret(), flowToken: newSecret(), omniumSecret: newSecret() }
  const flow = createFlowApi({ tenants: [{ uid: TENANT, token: secrets.flowToken }], webhookRetryMs: 500 })
  const omnium = createOmniumApi({
    tenants: [{ uid: TENANT, clientId: 'flow-sync', clientSecret: secrets.omniumSecret }],
  })
  stops.push(() => Promise.all([flow.close(), omnium.close()]))
  const [flowUrl, omniumUrl] = await Promise.all([flow.listen(), omnium.listen()])
  const urls = { flow: flowUrl, omnium: omniumUrl }
  started('stand-ins for Flow and Omnium')

  const keeper = await startKeeper(join(tmpdir(), `flow-omnium-sync-demo-${randomUUID()}`), STOP_WITHIN_MS)
  stops.push(() => keeper.end())
  const tenantsFile = join(keeper.folder, 'tenants.json')
  await writeFile(tenantsFile, JSON.stringify([tenantOf(urls)], null, 2))
  const [services, log] = await Promise.all([
    startServices({
      keeper,
      servicesDir,
      readyWithinMs: READY_WITHIN_MS,
      stopWithinMs: STOP_WITHIN_MS,
      env: {
        PATH: env.PATH,
        KAFKA_BROKERS: stack.brokers.join(','),
        SCHEMA_REGISTRY_URL: stack.registryUrl,
        TENANTS_FILE: tenantsFile,
        TOPIC_PREFIX: prefix,
        LOG_LEVEL: 'info',
        // Nothing gets lost here, and what a sweep finds again would stand between the changes and their effects.
        SWEEP_INTERVAL_MS: '0',
        DEMO_WEBHOOK_SECRET: secrets.webhook,
        DEMO_FLOW_TOKEN: secrets.flowToken,
        DEMO_OMNIUM_SECRET: secrets.omniumSecret,
      },
    }),
    startTopicLog({ kafka, admin, codec: contracts.codec, prefix, topics: LOGGED }),
  ])
  stops.push(() => log.stop())
  stops.push(async () => {
    for (const end of await services.stop()) screen.line(screen.paint('yellow', end))
  })
  services.onTrouble((service, why) => screen.failure(service, why))
  await services.untilReady()
  configureWebhooks({ flow, omnium, services }, secrets.webhook)
  const ready = SERVICES.filter((service) => services.troubleOf(service) === undefined)
  if (ready.length > 0) started(ready.join(', '))
  const more = { webhookSecret: secrets.webhook, logFolder: keeper.folder }
  return { stack, prefix, flow, omnium, urls, services, ...more, admin, log }
}

export const webhookUrls = ({ places }: Services) => ({
  flow: `${places.get('flow-ingest')!.httpUrl}/webhooks/flow/${TENANT}`,
  omnium: `${places.get('omnium-ingest')!.httpUrl}/webhooks/omnium/${TENANT}`,
})

function configureWebhooks({ flow, omnium, services }: Pick<System, 'flow' | 'omnium' | 'services'>, secret: string) {
  const urls = webhookUrls(services)
  flow.configureTenant(TENANT, { webhook: { url: urls.flow, auth: { kind: 'bearer', secret } } })
  omnium.configureTenant(TENANT, { webhook: { url: urls.omnium, auth: { kind: 'bearer', secret } } })
}

/** As it stands in a TENANTS_FILE. Flow's user is left out on purpose: then our own writes come back and change nothing. */
const tenantOf = (urls: { flow: string; omnium: string }) => ({
  uid: TENANT,
  countryCode: 'NO',
  webhookSecrets: ['env:DEMO_WEBHOOK_SECRET'],
  flow: { baseUrl: urls.flow, token: 'env:DEMO_FLOW_TOKEN', requestsPerSecond: REQUESTS_PER_SECOND },
  omnium: {
    baseUrl: urls.omnium,
    clientId: 'flow-sync',
    clientSecret: 'env:DEMO_OMNIUM_SECRET',
    apiUser: 'flow-sync',
    requestsPerSecond: REQUESTS_PER_SECOND,
  },
  parameters: { OMNIUM_CUSTOMER_MARKET_GROUP_ID: 'NO' },
})

const noSasl = { kafkaSaslMechanism: undefined, kafkaSaslUsername: undefined, kafkaSaslPassword: undefined }
const newSecret = () => randomBytes(24).toString('base64url')

/** Tells what has started, and how long it took since the one before. */
const starting = (screen: Screen) => {
  let since = performance.now()
  return (what: string) => {
    const now = performance.now()
    screen.line(`${screen.paint('green', '✓')} ${what} ${screen.paint('dim', `in ${duration(now - since)}`)}`)
    since = now
  }
}
