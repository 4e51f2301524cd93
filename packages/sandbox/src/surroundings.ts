import { randomBytes, randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Contracts, createContracts } from '@sync/shared/contracts/registry'
import { applyTopics } from '@sync/shared/kafka/apply-topics'
import { createKafka } from '@sync/shared/kafka/connect'
import type { Admin, Kafka } from 'kafkajs'
import { createFlowApi, type FlowApi } from './flow-api.ts'
import { type Keeper, startKeeper } from './keep.ts'
import { createOmniumApi, type OmniumApi } from './omnium-api.ts'
import { type Stack, startStack } from './stack.ts'
import { standInsConfig } from './stand-ins-config.ts'
import type { Stop } from './stops.ts'

/** Everything that the services need around them, running. */
export interface Surroundings {
  readonly stack: Stack
  readonly prefix: string
  readonly kafka: Kafka
  /** Connected. */
  readonly admin: Admin
  readonly contracts: Contracts
  readonly flow: FlowApi
  readonly omnium: OmniumApi
  readonly urls: { readonly flow: string; readonly omnium: string }
  /** Its folder holds the tenants file, and may hold more. */
  readonly keeper: Keeper
  /** What webhooks carry as their bearer. */
  readonly webhookSecret: string
  /** What a service is started with; besides, each may have ports and a name of its own. */
  readonly serviceEnv: Readonly<Record<string, string>>
}

export interface SurroundingsOptions {
  /** For throw-away folders, and for the prefix of topics on somebody else's broker. */
  readonly name: string
  readonly tenant: string
  /** KAFKA_BROKERS, TOPIC_PREFIX and what the stand-ins read (see stand-ins-config.ts), all of it optional. */
  readonly env: NodeJS.ProcessEnv
  /** Gets what ends each part, also when a later one fails. */
  readonly stops: Stop[]
  /** Of a program, from SIGTERM to SIGKILL. */
  readonly stopWithinMs?: number
  /** A line now and then about what takes long. */
  readonly log: (message: string) => void
  readonly started: (what: string) => void
}

/** Far above what anybody does by hand, so that no rate limit shows. */
const FLOW_LIMITS = { requestsPerSecond: 1_000, maxInFlight: 200 }
/** Below the 20 requests at the same time that the stand-in allows an API user. */
const OMNIUM_LIMITS = { requestsPerSecond: 1_000, maxInFlight: 16 }

/** A stack with all topics and contracts, both stand-ins with one tenant, and a tenants file that fits them. */
export async function startSurroundings(options: SurroundingsOptions): Promise<Surroundings> {
  const { name, tenant, env, stops, log, started } = options
  const stack = await startStack({ env, log })
  stops.push(() => stack.stop())
  // Somebody else's broker may have topics of ours already: those of a running system, or of a day before.
  const prefix = env.TOPIC_PREFIX || (stack.mode === 'given' ? `${name}-${randomUUID().slice(0, 8)}.` : '')
  started(`Kafka at ${stack.brokers.join(', ')} and the schema registry (${stack.mode})`)

  const kafka = createKafka({ kafkaBrokers: stack.brokers, kafkaSsl: false, ...noSasl }, { clientId: name, retries: 3 })
  const admin = kafka.admin()
  await admin.connect()
  stops.push(() => admin.disconnect())
  const contracts = createContracts({ registryUrl: stack.registryUrl, prefix })
  const applied = await applyTopics(admin, contracts, { prefix })
  if (applied.refused)
    throw new Error(`applying topics: refused, ${applied.problems.map((it) => it.message).join('; ')}`)
  const topics = applied.created.length + applied.existing.length
  started(`${topics} topics of ${applied.partitions} partitions, ${applied.contracts.length} contracts`)

  const secrets = { webhook: newSecret(), flowToken: newSecret(), omnium: newSecret() }
  const config = standInsConfig({ ...env, STAND_INS_TENANTS: JSON.stringify([standInsTenant(tenant, secrets)]) })
  const flow = createFlowApi(config.flow)
  const omnium = createOmniumApi(config.omnium)
  stops.push(() => Promise.all([flow.close(), omnium.close()]))
  const [flowUrl, omniumUrl] = await Promise.all([
    flow.listen(config.flowPort, config.host),
    omnium.listen(config.omniumPort, config.host),
  ])
  const urls = { flow: flowUrl, omnium: omniumUrl }
  started('stand-ins for Flow and Omnium')

  const keeper = await startKeeper(join(tmpdir(), `flow-omnium-sync-${name}-${randomUUID()}`), options.stopWithinMs)
  stops.push(() => keeper.end())
  const tenantsFile = join(keeper.folder, 'tenants.json')
  await writeFile(tenantsFile, JSON.stringify([tenantOf(tenant, urls, secrets)], null, 2), { mode: 0o600 })
  const serviceEnv = {
    KAFKA_BROKERS: stack.brokers.join(','),
    SCHEMA_REGISTRY_URL: stack.registryUrl,
    ...(prefix !== '' && { TOPIC_PREFIX: prefix }),
    TENANTS_FILE: tenantsFile,
    WEBHOOK_SECRET: secrets.webhook,
    HTTP_HOST: '127.0.0.1',
  }
  return {
    ...{ stack, prefix, kafka, admin, contracts, flow, omnium, urls, keeper },
    webhookSecret: secrets.webhook,
    serviceEnv,
  }
}

interface Secrets {
  readonly webhook: string
  readonly flowToken: string
  readonly omnium: string
}

const CLIENT_ID = 'flow-sync'

const standInsTenant = (uid: string, secrets: Secrets) => ({
  uid,
  webhookSecret: secrets.webhook,
  flow: { token: secrets.flowToken },
  omnium: { clientId: CLIENT_ID, clientSecret: secrets.omnium },
})

/** As it stands in a TENANTS_FILE. Flow's user is left out on purpose: then our own writes come back and change nothing. */
const tenantOf = (uid: string, urls: Surroundings['urls'], secrets: Secrets) => ({
  uid,
  countryCode: 'NO',
  webhookSecrets: ['env:WEBHOOK_SECRET'],
  flow: { baseUrl: urls.flow, token: secrets.flowToken, ...FLOW_LIMITS },
  omnium: {
    baseUrl: urls.omnium,
    clientId: CLIENT_ID,
    clientSecret: secrets.omnium,
    apiUser: 'flow-sync',
    ...OMNIUM_LIMITS,
  },
  parameters: { OMNIUM_CUSTOMER_MARKET_GROUP_ID: 'NO' },
})

const noSasl = { kafkaSaslMechanism: undefined, kafkaSaslUsername: undefined, kafkaSaslPassword: undefined }
const newSecret = () => randomBytes(24).toString('base64url')
