import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createContracts } from '@sync/shared/contracts/registry'
import { applyTopics } from '@sync/shared/kafka/apply-topics'
import { createKafka } from '@sync/shared/kafka/connect'
import { mendKafkaJs } from '@sync/shared/kafka/kafkajs-fixes'
import { onTestFailed } from 'vitest'
import { createKeyedLoad, type KeyedLoad } from './keyed-load.ts'
import { createKeyedSink, type KeyedSink } from './keyed-sink.ts'
import { createKeyedWaits, type KeyedWaits } from './keyed-waits.ts'
import { type ServiceProcess, startService } from './service-process.ts'
import { newTopicPrefix, sharedStack } from './stack.ts'
import { createTopicReader, type TopicReader } from './topic-reader.ts'

export interface KeyedWorldOptions {
  /** Of the topics' prefix. */
  readonly file: string
  readonly partitions?: number
  readonly tenants?: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  /** Of each tenant, over all members; none that matters unless told. */
  readonly requestsPerSecond?: number
  /** Default: the shared stack. */
  readonly stack?: { readonly brokers: readonly string[]; readonly registryUrl: string }
}

/** Topics of their own, the keyed sink, a load, and members of the group as processes. */
export interface KeyedWorld extends KeyedWaits {
  readonly prefix: string
  readonly partitions: number
  readonly sink: KeyedSink
  readonly load: KeyedLoad
  readonly topics: TopicReader
  /** Starts a member by its SERVICE_INSTANCE_ID, within a test; resolves when it is ready. */
  join(instance: string, env?: NodeJS.ProcessEnv): Promise<ServiceProcess>
  /** Signals a member and waits for its end: its exit code, or the signal's name. */
  leave(member: ServiceProcess, signal: NodeJS.Signals): Promise<number | string>
  stop(): Promise<void>
}

export const TENANT = 'acme-no'
/** For worlds whose member has to stay in the group, however busy the machine is. */
export const LONG_SESSION = { KAFKA_SESSION_TIMEOUT_MS: '30000' }
const MEMBER = resolve(import.meta.dirname, 'keyed-member.ts')

export async function startKeyedWorld(options: KeyedWorldOptions): Promise<KeyedWorld> {
  mendKafkaJs()
  const { tenants = [TENANT], partitions = 6, stack = sharedStack() } = options
  const prefix = newTopicPrefix(options.file)
  const kafka = createKafka({ kafkaBrokers: stack.brokers, kafkaSsl: false } as never, { clientId: 'e2e' })
  const contracts = createContracts({ registryUrl: stack.registryUrl, prefix })
  const admin = kafka.admin()
  await admin.connect()
  await applyTopics(admin, contracts, { prefix, partitions })
  await admin.disconnect()

  const sink = createKeyedSink()
  await sink.listen()
  const folder = await mkdtemp(join(tmpdir(), 'sync-e2e-'))
  const tenantsFile = join(folder, 'tenants.json')
  const limits = { requestsPerSecond: options.requestsPerSecond ?? 10_000, maxInFlight: 1_000 }
  await writeFile(
    tenantsFile,
    JSON.stringify(
      tenants.map((uid) => ({
        uid,
        countryCode: 'NO',
        webhookSecrets: ['a-webhook-secret'],
        flow: { baseUrl: sink.baseUrl(uid), token: 'flow-token', ...limits },
        omnium: { baseUrl: sink.baseUrl(uid), clientId: 'client', clientSecret: 'omnium-secret', ...limits },
      })),
    ),
  )
  const env: NodeJS.ProcessEnv = {
    KAFKA_BROKERS: stack.brokers.join(','),
    SCHEMA_REGISTRY_URL: stack.registryUrl,
    TENANTS_FILE: tenantsFile,
    TOPIC_PREFIX: prefix,
    // The lowest that brokers accept unless told otherwise.
    KAFKA_SESSION_TIMEOUT_MS: '6000',
    OMNIUM_RATE_SHARE: '1',
    LOG_LEVEL: 'info',
    ...options.env,
  }
  const topics = createTopicReader({ kafka, codec: contracts.codec, prefix })
  const load = await createKeyedLoad({ kafka, codec: contracts.codec, prefix, partitions })
  const members = new Set<ServiceProcess>()

  return {
    prefix,
    partitions,
    sink,
    load,
    topics,
    async join(instance, more = {}) {
      const member = await startService('customer-mapper', { ...env, SERVICE_INSTANCE_ID: instance, ...more }, MEMBER)
      members.add(member)
      showIfFailed(member)
      await member.untilReady()
      return member
    },
    async leave(member, signal) {
      member.signal(signal)
      const end = await member.exited
      members.delete(member)
      return end
    },
    ...createKeyedWaits({ load, sink, topics }),
    async stop() {
      for (const member of members) member.signal('SIGCONT')
      await Promise.all([...members].map((member) => member.stop()))
      await Promise.allSettled([load.close(), topics.stop(), sink.close()])
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** What happened in the group stands in no assertion. */
function showIfFailed({ pid, output }: ServiceProcess) {
  onTestFailed(() => {
    const lines = output().split('\n')
    console.error(
      `member ${pid}:`,
      lines
        .filter((line) => !line.includes('record ended'))
        .join('\n')
        .slice(-8_000),
    )
  })
}
