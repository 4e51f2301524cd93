import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createFlowApi, type FlowApi } from '@sync/sandbox/flow-api'
import { createOmniumApi, type OmniumApi } from '@sync/sandbox/omnium-api'
import { startStack } from '@sync/sandbox/stack'
import { createContracts } from '@sync/shared/contracts/registry'
import { applyTopics } from '@sync/shared/kafka/apply-topics'
import { createKafka } from '@sync/shared/kafka/connect'
import type { ServiceName } from '@sync/shared/kafka/topics'
import { type MeasuredProcess, startService } from './service-process.ts'

/** The bytes behind `WEBHOOK_SECRET`, for signatures. */
export const SIGNING_KEY = Buffer.from('the secret of the bench')
export const WEBHOOK_SECRET = `whsec_${SIGNING_KEY.toString('base64')}`

export interface BenchSystem {
  readonly flow: FlowApi
  readonly omnium: OmniumApi
  readonly services: ReadonlyMap<ServiceName, MeasuredProcess>
  /** What a service, or syncctl, is started with. */
  readonly env: NodeJS.ProcessEnv
  /** For files, deleted at the end. */
  readonly folder: string
  /** One more service, or one more instance of it. */
  start(name: ServiceName, instance?: string): Promise<void>
}

/** A stack, the stand-ins and services as processes. `stops` gets what ends each, to be run from the last to the first. */
export async function startBench(
  tenants: readonly string[],
  names: readonly ServiceName[],
  stops: (() => Promise<unknown>)[],
  /** What each tenant's peers may be called with. */
  limits: { readonly requestsPerSecond?: number; readonly maxInFlight?: number } = {},
  /** Further settings of a tenant at Omnium, and of the tenant in the stand-in. */
  omniumOf: (uid: string) => { readonly settings: object; readonly standIn: object } = unlimited,
): Promise<BenchSystem> {
  const stack = await startStack({ log: console.error })
  stops.push(() => stack.stop())
  const prefix = `bench-${randomUUID().slice(0, 8)}.`
  const admin = createKafka({ kafkaBrokers: stack.brokers, kafkaSsl: false } as never, { clientId: 'bench' }).admin()
  await admin.connect()
  await applyTopics(admin, createContracts({ registryUrl: stack.registryUrl, prefix }), { prefix })
  await admin.disconnect()

  const flow = createFlowApi({ tenants: tenants.map((uid) => ({ uid, token: 'token' })) })
  const omnium = createOmniumApi({
    tenants: tenants.map((uid) => ({ uid, clientId: uid, clientSecret: 'secret', ...omniumOf(uid).standIn })),
  })
  stops.push(() => Promise.all([flow.close(), omnium.close()]))
  const [flowUrl, omniumUrl] = await Promise.all([flow.listen(), omnium.listen()])
  const folder = await mkdtemp(join(tmpdir(), 'sync-bench-'))
  stops.push(() => rm(folder, { recursive: true }))
  const tenantsFile = join(folder, 'tenants.json')
  const entryOf = (uid: string) => ({
    ...{ uid, countryCode: 'NO', webhookSecrets: ['an older secret', WEBHOOK_SECRET] },
    flow: { baseUrl: flowUrl, token: 'token', ...limits },
    omnium: { baseUrl: omniumUrl, clientId: uid, clientSecret: 'secret', ...limits, ...omniumOf(uid).settings },
  })
  await writeFile(tenantsFile, JSON.stringify(tenants.map(entryOf)))

  const env = {
    KAFKA_BROKERS: stack.brokers.join(','),
    SCHEMA_REGISTRY_URL: stack.registryUrl,
    TENANTS_FILE: tenantsFile,
    TOPIC_PREFIX: prefix,
    SWEEP_INTERVAL_MS: '0',
  }
  const services = new Map<ServiceName, MeasuredProcess>()
  const start = async (name: ServiceName, instance?: string) => {
    const service = await startService(name, { ...env, ...(instance && { SERVICE_INSTANCE_ID: instance }) })
    stops.push(service.stop)
    services.set(name, service)
  }
  await Promise.all(names.map((name) => start(name)))
  for (const uid of tenants) {
    const webhook = (source: 'flow' | 'omnium') => {
      const url = services.get(`${source}-ingest`)?.url
      const auth = { kind: 'bearer', secret: WEBHOOK_SECRET } as const
      return url === undefined ? null : { url: `${url}/webhooks/${source}/${uid}`, auth }
    }
    flow.configureTenant(uid, { webhook: webhook('flow') })
    omnium.configureTenant(uid, { webhook: webhook('omnium') })
  }
  return { flow, omnium, services, env, folder, start }
}

/** Without the documented limits, because the services are measured and not the peer. */
const unlimited = () => ({ settings: {}, standIn: { modes: { limits: null } } })
