import { randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { mendKafkaJs } from '@sync/shared/kafka/kafkajs-fixes'
import { Kafka, type KafkaConfig, logLevel } from 'kafkajs'
import { type BrokerSecurity, renderServerProperties, scramOf } from './broker-properties.ts'
import { freePorts, onFreePorts } from './free-ports.ts'
import { jvmEnv, jvmFlags } from './java.ts'
import type { Keeper, KeptProcess } from './keep.ts'
import { tailOf, untilAnswers } from './until.ts'

mendKafkaJs()

const LONE_HEAP_MB = 768
const HEAP_MB_OF_THREE = 384
const STOP_DEADLINE_MS = 10_000

/** A broker that can be taken down and brought back, on the same port and with the same data. */
export interface RestartableBroker {
  /** SIGTERM stops it in good order, SIGKILL is a crash. Nothing when it is down. */
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>
  /** Resolves when it answers again. */
  start(): Promise<void>
}

/** One node of the cluster, which is broker and controller. */
export interface BrokerNode extends RestartableBroker {
  /** Counts from 1. */
  readonly id: number
  /** Undefined while it is down. */
  pid(): number | undefined
  /** Stops the process as it stands. Its connections stay open, and nobody answers. */
  freeze(): void
  thaw(): void
}

/** `stop` and `start` are of all nodes. */
export interface LocalKafka extends RestartableBroker {
  readonly brokers: string[]
  readonly nodes: readonly BrokerNode[]
  /** The output of the first node. A secured broker also logs each request here that its ACLs did not allow. */
  readonly logFile: string
  /** The process id of the first node. Undefined while the node is down. */
  pid(): number | undefined
  /** Runs another program of Kafka, such as org.apache.kafka.tools.AclCommand. */
  run(mainClass: string, ...args: string[]): Promise<ProgramEnd>
}

export interface ProgramEnd {
  readonly code: number | null
  readonly output: string
}

/** A secured broker as a test wants it: certificates in PEM. */
export interface KafkaSecurity extends Omit<BrokerSecurity, 'keystoreFile' | 'truststoreFile'> {
  readonly certificate: { readonly cert: string; readonly key: string }
  readonly authority: string
}

const LOG4J_PROPERTIES = `rootLogger.level=WARN
rootLogger.appenderRefs=out
rootLogger.appenderRef.out.ref=out
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d{HH:mm:ss,SSS} %-5p %c{1} %m%n
`
/** At this level it tells of what it does not allow. */
const AUTHORIZER_LOG = `logger.authorizer.name=kafka.authorizer.logger
logger.authorizer.level=INFO
`

/** 16 bytes in base64url; a first bit of zero keeps a leading `-` away, which a command line takes for an option. */
const newClusterId = () => {
  const bytes = randomBytes(16)
  bytes[0]! &= 0x7f
  return bytes.toString('base64url')
}

/**
 * Whether the brokers answer a request for metadata and have a controller, so that topics can be made. With a cluster
 * id only if they are of that cluster: a port may have gone to another stack meanwhile. With `nodeIds` only if these brokers
 * take part in the cluster.
 */
export const doesKafkaAnswer = async (
  brokers: string[],
  clusterId?: string,
  access: Pick<KafkaConfig, 'ssl' | 'sasl'> = {},
  nodeIds: readonly number[] = [],
): Promise<boolean> => {
  const kafka = new Kafka({
    ...access,
    brokers,
    clientId: 'stack',
    connectionTimeout: 1_000,
    requestTimeout: 5_000,
    retry: { retries: 0 },
    logLevel: logLevel.NOTHING,
  })
  const admin = kafka.admin()
  try {
    await admin.connect()
    const cluster = await admin.describeCluster()
    const takesPart = (id: number) => cluster.brokers.some(({ nodeId }) => nodeId === id)
    const isTheCluster = clusterId === undefined || cluster.clusterId === clusterId
    return cluster.controller !== null && isTheCluster && nodeIds.every(takesPart)
  } catch {
    return false
  } finally {
    await admin.disconnect().catch(() => {})
  }
}

export interface LocalKafkaOptions {
  readonly keeper: Keeper
  readonly java: string
  readonly classpath: string
  readonly env: NodeJS.ProcessEnv
  readonly deadlineMs: number
  readonly security?: KafkaSecurity | undefined
  /** Default: 1. */
  readonly nodes?: 1 | 3
}

/** Apache Kafka on this machine's Java: one or three processes that are broker and controller, run by the keeper, data in its folder. */
export const startLocalKafka = (options: LocalKafkaOptions): Promise<LocalKafka> =>
  onFreePorts((attempt) => startOnNewPorts(join(options.keeper.folder, `kafka-${attempt}`), options))

const startOnNewPorts = async (folder: string, options: LocalKafkaOptions): Promise<LocalKafka> => {
  const ids = Array.from({ length: options.nodes ?? 1 }, (_, i) => i + 1)
  const brokerPorts = await freePorts(ids.length)
  const controllerPorts = await freePorts(ids.length)
  const clusterId = newClusterId()
  const security = options.security && (await securityIn(folder, options.security))
  const nodes = await Promise.all(
    ids.map((nodeId, i) =>
      formatNode(
        join(folder, `node-${nodeId}`),
        { nodeId, clusterId, security, brokerPort: brokerPorts[i]!, controllerPorts },
        options,
      ),
    ),
  )
  const [first] = nodes
  let programs = 0

  await Promise.all(nodes.map((node) => node.startWith(ids))).catch(async (error: unknown) => {
    await Promise.all(nodes.map((node) => node.stop('SIGKILL')))
    throw error
  })
  return {
    brokers: brokerPorts.map((port) => `127.0.0.1:${port}`),
    nodes,
    logFile: first!.logFile,
    pid: first!.pid,
    start: async () => void (await Promise.all(nodes.map((node) => node.start()))),
    stop: async (signal) => void (await Promise.all(nodes.map((node) => node.stop(signal)))),
    async run(mainClass, ...args) {
      const output = join(folder, `program-${++programs}.log`)
      const program = await first!.run(output, mainClass, ...args)
      const { code } = await program.exited
      return { code, output: await readFile(output, 'utf8') }
    },
  }
}

interface NodePlace {
  readonly nodeId: number
  readonly clusterId: string
  readonly security: BrokerSecurity | undefined
  readonly brokerPort: number
  readonly controllerPorts: readonly number[]
}

/** A node with its data folder, not started yet. */
const formatNode = async (folder: string, place: NodePlace, options: LocalKafkaOptions) => {
  const { nodeId: id, clusterId, security, brokerPort, controllerPorts } = place
  const logFile = join(folder, 'kafka.log')
  const properties = join(folder, 'server.properties')
  await mkdir(folder, { recursive: true })
  const rendered = renderServerProperties(
    {
      ...{ brokerPort, controllerPorts, nodeId: id },
      ...{ controllerPort: controllerPorts[id - 1]!, dataFolder: join(folder, 'data') },
    },
    security,
  )
  await writeFile(properties, rendered, { mode: 0o600 })
  const run = await kafkaProgram(folder, options)
  const users = security === undefined ? [] : scramOf(security)
  const format = await run(logFile, 'kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', properties, ...users)
  const { code } = await format.exited
  if (code !== 0) throw new Error(`formatting kafka's data folder: exit code ${code}\n${await tailOf(logFile)}`)

  let broker: KeptProcess | undefined
  /** Resolves when the node answers, and the brokers `ids` take part in the cluster. */
  const startWith = async (ids: readonly number[]) => {
    if (broker !== undefined) return
    const process = await run(logFile, 'kafka.Kafka', properties)
    broker = process
    void process.exited.then(() => {
      if (broker === process) broker = undefined
    })
    const access = options.security && accessOf(options.security)
    const answers = () => doesKafkaAnswer([`127.0.0.1:${brokerPort}`], clusterId, access, ids)
    await untilAnswers({ what: 'starting kafka', process, logFile, deadlineMs: options.deadlineMs, answers })
  }
  return {
    ...{ id, logFile, run, startWith },
    pid: () => broker?.pid,
    start: () => startWith([id]),
    freeze: () => broker?.kill('SIGSTOP'),
    thaw: () => broker?.kill('SIGCONT'),
    stop: async (signal: NodeJS.Signals = 'SIGTERM') => {
      if (broker === undefined) return
      const { exited, kill } = broker
      kill(signal)
      // A process that is frozen cannot hear a signal.
      kill('SIGCONT')
      const deadline = setTimeout(() => kill('SIGKILL'), STOP_DEADLINE_MS)
      await exited
      clearTimeout(deadline)
    },
  }
}

const securityIn = async (folder: string, security: KafkaSecurity): Promise<BrokerSecurity> => {
  await mkdir(folder, { recursive: true })
  const { certificate, authority, ...rest } = security
  const keystoreFile = join(folder, 'broker.pem')
  const truststoreFile = join(folder, 'authority.pem')
  await writeFile(keystoreFile, certificate.key + certificate.cert, { mode: 0o600 })
  await writeFile(truststoreFile, authority)
  return { ...rest, keystoreFile, truststoreFile }
}

const accessOf = ({ authority, superUser, passwords }: KafkaSecurity): Pick<KafkaConfig, 'ssl' | 'sasl'> => ({
  ssl: { ca: authority },
  sasl: { mechanism: 'plain', username: superUser, password: passwords[superUser]! },
})

/** Runs one of Kafka's main classes, its log in `logFile`. */
const kafkaProgram = async (folder: string, options: LocalKafkaOptions) => {
  const { keeper, java, classpath, env, security, nodes = 1 } = options
  const heapMb = nodes === 1 ? LONE_HEAP_MB : HEAP_MB_OF_THREE
  const log4j = join(folder, 'log4j2.properties')
  const tmpFolder = join(folder, 'tmp')
  await mkdir(tmpFolder)
  await writeFile(log4j, security === undefined ? LOG4J_PROPERTIES : LOG4J_PROPERTIES + AUTHORIZER_LOG)
  const flags = [...jvmFlags(heapMb, tmpFolder), `-Dlog4j2.configurationFile=${log4j}`, '-cp', classpath]
  return (logFile: string, mainClass: string, ...args: string[]) =>
    keeper.run({ command: java, args: [...flags, mainClass, ...args], logFile, env: jvmEnv(env) })
}
