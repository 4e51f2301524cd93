import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createFlowApi, type FlowApi } from '@sync/sandbox/flow-api'
import { startKeeper } from '@sync/sandbox/keep'
import { createOmniumApi, type OmniumApi } from '@sync/sandbox/omnium-api'
import { TOKENS_BEGIN } from '@sync/sandbox/omnium-tokens'
import { type Stack, startStack } from '@sync/sandbox/stack'
import { createContracts } from '@sync/shared/contracts/registry'
import { applyTopics } from '@sync/shared/kafka/apply-topics'
import { createKafka } from '@sync/shared/kafka/connect'
import { mendKafkaJs } from '@sync/shared/kafka/kafkajs-fixes'
import type { Admin, Kafka } from 'kafkajs'
import { type Balancer, startBalancer } from './balancer.ts'
import { createFleet, eachInstance, type Fleet } from './fleet.ts'
import type { PlannedTenant } from './operations.ts'
import { createSyncctl, type Syncctl } from './syncctl.ts'

export const SESSION_TIMEOUT_MS = 10_000
export const SWEEP_INTERVAL_MS = 5_000
const SWEEP_OVERLAP_MS = 60_000
const WEBHOOK_SECRET = 'a-webhook-secret-of-chaos'
const FLOW_API_USER = 'flow-api-user'
const OMNIUM_API_USER = 'flow-sync'
const FLOW_LIMITS = { requestsPerSecond: 1000, maxInFlight: 200 }
/** Below the documented limits of an API user, which the stand-in enforces. */
const OMNIUM_LIMITS = { requestsPerSecond: 80, maxInFlight: 16 }
const JOURNAL_ENTRIES = 5_000_000

/** Everything that runs: stack, stand-ins, balancers, instances. */
export interface System {
  readonly stack: Stack
  readonly kafka: Kafka
  readonly admin: Admin
  readonly prefix: string
  readonly flow: FlowApi
  readonly omnium: OmniumApi
  readonly fleet: Fleet
  /** Texts that must never be seen in a log, and how the tokens begin that Omnium gives out. */
  readonly secrets: readonly string[]
  readonly syncctl: Syncctl
  stop(): Promise<void>
}

export interface SystemOptions {
  readonly tenants: readonly PlannedTenant[]
  readonly instances: number
  readonly log: (line: string) => void
  readonly env?: NodeJS.ProcessEnv
  readonly stepsClocks?: boolean
  /** Where the stack is ours. Default: 1. */
  readonly brokers?: 1 | 3
}

export async function startSystem(options: SystemOptions): Promise<System> {
  const { tenants, instances, log, env = {}, stepsClocks = false, brokers: nodes = 1 } = options
  mendKafkaJs()
  const stops: (() => Promise<unknown>)[] = []
  const stop = async () => {
    for (const end of stops.splice(0).reverse()) await end()
  }
  try {
    const stack = await startStack({ log, nodes })
    stops.push(() => stack.stop())
    const { brokers, registryUrl } = stack
    const prefix = `chaos-${randomUUID().slice(0, 8)}.`
    const kafka = createKafka({ kafkaBrokers: brokers, kafkaSsl: false } as never, { clientId: 'chaos' })
    const admin = kafka.admin({ retry: { retries: 20, maxRetryTime: 2_000 } })
    await admin.connect()
    stops.push(() => admin.disconnect())
    await applyTopics(admin, createContracts({ registryUrl, prefix }), { prefix })

    const balancers = { flow: await startBalancer(), omnium: await startBalancer() }
    stops.push(() => Promise.all(Object.values(balancers).map((balancer) => balancer.close())))
    const webhookOf = (source: keyof typeof balancers, uid: string) => ({
      url: `${balancers[source].url}/webhooks/${source}/${uid}`,
      auth: { kind: 'bearer' as const, secret: WEBHOOK_SECRET },
    })
    const secretOf = (uid: string, what: string) => `a-secret-${what}-of-${uid}`
    const flow = createFlowApi({
      journalEntries: JOURNAL_ENTRIES,
      tenants: tenants.map(({ uid }) => ({
        ...{ uid, token: secretOf(uid, 'token'), apiUser: FLOW_API_USER, webhook: webhookOf('flow', uid) },
      })),
    })
    const omnium = createOmniumApi({
      journalEntries: JOURNAL_ENTRIES,
      tenants: tenants.map(({ uid }) => ({
        ...{ uid, clientId: `client-${uid}`, clientSecret: secretOf(uid, 'client') },
        ...{ apiUser: OMNIUM_API_USER, webhook: webhookOf('omnium', uid) },
      })),
    })
    stops.push(() => Promise.all([flow.close(), omnium.close()]))
    const [flowUrl, omniumUrl] = await Promise.all([flow.listen(), omnium.listen()])

    const keeper = await startKeeper(join(tmpdir(), `flow-omnium-chaos-${randomUUID()}`))
    stops.push(() => keeper.end())
    const tenantsFile = join(keeper.folder, 'tenants.json')
    await writeFile(
      tenantsFile,
      JSON.stringify(
        tenants.map(({ uid, countryCode, marketGroupId, propertyPrefix, omniumCustomerEvents }, i) => ({
          ...{ uid, countryCode, omniumCustomerEvents, webhookSecrets: [WEBHOOK_SECRET] },
          // Half of the tenants tell us our own user in Flow: the others' echoes end at the comparison.
          flow: {
            ...{ baseUrl: `${flowUrl}/v2`, token: secretOf(uid, 'token'), ...FLOW_LIMITS },
            ...(i % 2 === 0 && { apiUser: FLOW_API_USER }),
          },
          omnium: {
            ...{ baseUrl: omniumUrl, clientId: `client-${uid}`, clientSecret: secretOf(uid, 'client') },
            ...OMNIUM_LIMITS,
            apiUser: OMNIUM_API_USER,
          },
          parameters: {
            OMNIUM_CUSTOMER_MARKET_GROUP_ID: marketGroupId,
            OMNIUM_PROPERTY_PREFIX: propertyPrefix,
          },
        })),
      ),
    )
    const clusterEnv = {
      KAFKA_BROKERS: brokers.join(','),
      SCHEMA_REGISTRY_URL: registryUrl,
      TENANTS_FILE: tenantsFile,
      TOPIC_PREFIX: prefix,
    }
    const fleet = createFleet({
      ...{ keeper, stepsClocks },
      env: {
        ...clusterEnv,
        // The check for personal data reads the lines of ended records too.
        LOG_LEVEL: 'debug',
        KAFKA_SESSION_TIMEOUT_MS: String(SESSION_TIMEOUT_MS),
        SWEEP_INTERVAL_MS: String(SWEEP_INTERVAL_MS),
        SWEEP_OVERLAP_MS: String(SWEEP_OVERLAP_MS),
        ...env,
      },
      onChange(service) {
        const balancer: Balancer | undefined = balancers[service.replace('-ingest', '') as keyof typeof balancers]
        balancer?.use(fleet.ports(service))
      },
    })
    stops.push(() => fleet.stopAll())
    log(`starting ${instances} instances of each service`)
    await Promise.all(eachInstance(instances).map(({ service, instance }) => fleet.start(service, instance)))
    await fleet.untilReady(120_000)
    return {
      ...{ stack, kafka, admin, prefix, flow, omnium, fleet, stop },
      syncctl: createSyncctl(keeper.folder, clusterEnv),
      secrets: [
        WEBHOOK_SECRET,
        TOKENS_BEGIN,
        ...tenants.flatMap(({ uid }) => [secretOf(uid, 'token'), secretOf(uid, 'client')]),
      ],
    }
  } catch (error) {
    await stop()
    throw error
  }
}
