import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createFlowApi, type FlowApi, type FlowApiOptions } from '@sync/sandbox/flow-api'
import { describeDefect } from '@sync/sandbox/model-defects'
import { createOmniumApi, type OmniumApi, type OmniumApiOptions } from '@sync/sandbox/omnium-api'
import { createContracts } from '@sync/shared/contracts/registry'
import { applyTopics } from '@sync/shared/kafka/apply-topics'
import { createKafka, type KafkaConnection } from '@sync/shared/kafka/connect'
import { mendKafkaJs } from '@sync/shared/kafka/kafkajs-fixes'
import { SERVICES, type ServiceName } from '@sync/shared/kafka/topics'
import type { Kafka } from 'kafkajs'
import { type ServiceProcess, startService } from './service-process.ts'
import { newTopicPrefix, sharedStack } from './stack.ts'
import { createTopicReader, type TopicReader } from './topic-reader.ts'

export interface WorldOptions {
  /** Of the topics' prefix. */
  readonly file: string
  /** Default: all four. */
  readonly services?: readonly ServiceName[]
  readonly tenants?: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  readonly tenantFields?: (uid: string) => object
  /** Of the tenant's `omnium`. */
  readonly omniumFields?: (uid: string) => object
  /** Of the tenant's `flow`. */
  readonly flowFields?: (uid: string) => object
  readonly partitions?: number
  /** As it stands in the tenants file, and the secret itself. Default: one literal. */
  readonly webhookSecret?: { readonly reference: string; readonly secret: string }
  readonly flow?: Omit<FlowApiOptions, 'tenants'>
  readonly omnium?: Omit<OmniumApiOptions, 'tenants'>
  /** Default: the shared one. */
  readonly stack?: { readonly brokers: readonly string[]; readonly registryUrl: string }
  /** Default: a new one. */
  readonly prefix?: string
  /** How the test itself connects; the services do as `env` says. Default: without TLS and password. */
  readonly connection?: Partial<KafkaConnection>
}

/** Both stand-ins, topics of their own on the shared stack, and the services as processes. */
export interface World {
  readonly prefix: string
  readonly kafka: Kafka
  readonly flow: FlowApi
  readonly omnium: OmniumApi
  readonly env: NodeJS.ProcessEnv
  readonly services: Map<ServiceName, ServiceProcess>
  readonly topics: TopicReader
  start(name: ServiceName, env?: NodeJS.ProcessEnv): Promise<ServiceProcess>
  /** Throws when a request to Omnium had a field that its documented model lacks. */
  stop(): Promise<void>
}

const SECRET = 'a-webhook-secret'
export const TENANT = 'acme-no'

export async function startWorld(options: WorldOptions): Promise<World> {
  mendKafkaJs()
  const { tenants = [TENANT], services = SERVICES, partitions = 3 } = options
  const { brokers, registryUrl } = options.stack ?? sharedStack()
  const prefix = options.prefix ?? newTopicPrefix(options.file)
  const connection = { kafkaBrokers: brokers, kafkaSsl: false, ...options.connection }
  const kafka = createKafka(connection as KafkaConnection, { clientId: 'e2e' })
  const contracts = createContracts({ registryUrl, prefix })
  const admin = kafka.admin()
  await admin.connect()
  await applyTopics(admin, contracts, { prefix, partitions })
  await admin.disconnect()

  const flow = createFlowApi({
    ...options.flow,
    tenants: tenants.map((uid) => ({ uid, token: `flow-token-${uid}` })),
  })
  const omnium = createOmniumApi({
    ...options.omnium,
    tenants: tenants.map((uid) => ({ uid, clientId: `client-${uid}`, clientSecret: `omnium-secret-${uid}` })),
  })
  const [flowUrl, omniumUrl] = await Promise.all([flow.listen(), omnium.listen()])
  const folder = await mkdtemp(join(tmpdir(), 'sync-e2e-'))
  const tenantsFile = join(folder, 'tenants.json')
  await writeFile(
    tenantsFile,
    JSON.stringify(
      tenants.map((uid) => ({
        uid,
        countryCode: 'NO',
        webhookSecrets: [options.webhookSecret?.reference ?? SECRET],
        flow: {
          baseUrl: flowUrl,
          token: `flow-token-${uid}`,
          requestsPerSecond: 1000,
          maxInFlight: 200,
          ...options.flowFields?.(uid),
        },
        omnium: {
          baseUrl: omniumUrl,
          clientId: `client-${uid}`,
          clientSecret: `omnium-secret-${uid}`,
          requestsPerSecond: 1000,
          // Below the 20 requests that the stand-in allows an API user.
          maxInFlight: 16,
          ...options.omniumFields?.(uid),
        },
        parameters: { OMNIUM_CUSTOMER_MARKET_GROUP_ID: 'NO' },
        ...options.tenantFields?.(uid),
      })),
    ),
  )
  const env: NodeJS.ProcessEnv = {
    KAFKA_BROKERS: brokers.join(','),
    SCHEMA_REGISTRY_URL: registryUrl,
    TENANTS_FILE: tenantsFile,
    TOPIC_PREFIX: prefix,
    SWEEP_INTERVAL_MS: '0',
    ...options.env,
  }
  const running = new Map<ServiceName, ServiceProcess>()
  const everStarted: ServiceProcess[] = []
  const start = async (name: ServiceName, more: NodeJS.ProcessEnv = {}) => {
    const service = await startService(name, { ...env, ...more })
    running.set(name, service)
    everStarted.push(service)
    const webhook = (path: string) => ({
      url: `${service.webhookUrl}/webhooks/${path}`,
      auth: { kind: 'bearer' as const, secret: options.webhookSecret?.secret ?? SECRET },
    })
    for (const uid of tenants) {
      if (name === 'flow-ingest') flow.configureTenant(uid, { webhook: webhook(`flow/${uid}`) })
      if (name === 'omnium-ingest') omnium.configureTenant(uid, { webhook: webhook(`omnium/${uid}`) })
    }
    return service
  }
  const topics = createTopicReader({ kafka, codec: contracts.codec, prefix })
  const stop = async () => {
    await Promise.all(everStarted.map((service) => service.stop()))
    await topics.stop()
    await Promise.all([flow.close(), omnium.close()])
    await rm(folder, { recursive: true, force: true })
    const defects = omnium.defects.list().map(describeDefect)
    if (defects.length > 0) throw new Error(`sending fields that Omnium does not document: ${defects.join('; ')}`)
  }
  try {
    await Promise.all(services.map((name) => start(name)))
    await Promise.all([...running.values()].map((service) => service.untilReady()))
  } catch (error) {
    await stop()
    throw error
  }
  return { prefix, kafka, flow, omnium, env, services: running, topics, start, stop }
}
