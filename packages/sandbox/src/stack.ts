import { randomUUID } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { chooseStack, givenStack, type StackMode } from './choose-stack.ts'
import { doesDockerAnswer, startContainers } from './docker.ts'
import { areJarsCached, fetchJars } from './jars.ts'
import { findJava, findMaven } from './java.ts'
import {
  type BrokerNode,
  type KafkaSecurity,
  type LocalKafka,
  type RestartableBroker,
  startLocalKafka,
} from './kafka.ts'
import { startKeeper } from './keep.ts'
import { type RestartableRegistry, startLocalRegistry } from './schema-registry.ts'

const START_DEADLINE_MS = 120_000
const PROJECT_ROOT = resolve(import.meta.dirname, '..', '..', '..')

export interface Stack {
  readonly mode: StackMode
  readonly brokers: string[]
  /** Speaks the Confluent API; may end in a path. */
  readonly registryUrl: string
  /** Ends what was started and removes its data; leaves a given stack alone. May be called again. */
  stop(): Promise<void>
  /** Only in mode `jvm`, for tests of what happens when the broker goes away. */
  readonly kafka?: RestartableBroker & { readonly nodes: readonly BrokerNode[] }
  /** Only in mode `jvm`. */
  readonly registry?: RestartableRegistry
  /** Only in mode `jvm`. */
  readonly local?: {
    readonly dataFolder: string
    /** Of the processes that run now: undefined while it is stopped. */
    pids(): { readonly keeper: number; readonly registry: number | undefined; readonly kafka: number | undefined }
    readonly kafka: Pick<LocalKafka, 'logFile' | 'run'>
  }
}

export interface StackOptions {
  /** Gets a line now and then about what takes long. */
  readonly log?: (message: string) => void
  readonly env?: NodeJS.ProcessEnv
  /** Only in mode `jvm`: a broker that takes nobody without TLS, a password and ACLs. */
  readonly security?: KafkaSecurity
  /** The number of brokers on the local Java. In other modes the stack is as it is given. Default: 1. */
  readonly nodes?: 1 | 3
}

/**
 * A Kafka broker and a schema registry, ready for use: those of KAFKA_BROKERS and SCHEMA_REGISTRY_URL when set; else in
 * containers when a Docker engine answers; else on this machine's Java, with jars that Maven fetches once into
 * SYNC_CACHE_DIR (default `.cache` in the project's folder). Free ports, throw-away data. What was started keeps this
 * process alive until `stop`, and ends when this process does, whatever way that is.
 */
export const startStack = async (options: StackOptions = {}): Promise<Stack> => {
  const { log = () => {}, env = process.env, security, nodes = 1 } = options
  const given = givenStack(env)
  if (given !== undefined && security !== undefined) throw new Error('starting a secured stack: another one is given')
  if (given !== undefined) return { mode: 'given', ...given, stop: async () => {} }

  const cacheDir = resolve(env.SYNC_CACHE_DIR || join(PROJECT_ROOT, '.cache'))
  const choice = await chooseStack(env, {
    doesDockerAnswer,
    findJava: () => findJava(env),
    findMaven: () => findMaven(env),
    areJarsCached: () => areJarsCached(cacheDir),
  })
  if (choice.mode === 'docker') {
    if (security !== undefined) throw new Error('starting a secured stack: only on the local Java')
    log('starting Kafka and the schema registry in Docker; the first time, their images are pulled')
    return { mode: 'docker', ...(await startContainers(START_DEADLINE_MS)) }
  }
  const jars = await fetchJars({ cacheDir, mavenCommand: choice.maven ?? 'mvn', env, log })
  log('starting Kafka and the schema registry on the local Java')
  return startOnJava({ java: choice.java, ...jars, env, security, nodes })
}

interface LocalOptions {
  readonly java: string
  readonly kafkaClasspath: string
  readonly registryJar: string
  readonly env: NodeJS.ProcessEnv
  readonly security: KafkaSecurity | undefined
  readonly nodes: 1 | 3
}

const startOnJava = async (options: LocalOptions): Promise<Stack> => {
  const { java, kafkaClasspath, registryJar, env, security, nodes } = options
  const keeper = await startKeeper(join(tmpdir(), `flow-omnium-sync-${randomUUID()}`))
  const common = { keeper, java, env, deadlineMs: START_DEADLINE_MS }
  try {
    const [kafka, registry] = await Promise.all([
      startLocalKafka({ ...common, classpath: kafkaClasspath, security, nodes }),
      startLocalRegistry({ ...common, jar: registryJar }),
    ])
    const pids = () => ({ keeper: keeper.pid, registry: registry.pid(), kafka: kafka.pid() })
    return {
      mode: 'jvm',
      brokers: kafka.brokers,
      registryUrl: registry.registryUrl,
      stop: () => keeper.end(),
      kafka: { stop: kafka.stop, start: kafka.start, nodes: kafka.nodes },
      registry,
      local: { dataFolder: keeper.folder, pids, kafka: { logFile: kafka.logFile, run: kafka.run } },
    }
  } catch (error) {
    await keeper.end()
    throw error
  }
}
