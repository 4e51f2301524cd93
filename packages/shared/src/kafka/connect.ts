import { type Admin, Kafka, type KafkaConfig, type logCreator, logLevel } from 'kafkajs'
import type { ClusterConfig } from '../config.ts'
import { registerCodecs } from './codecs.ts'
import { mendKafkaJs } from './kafkajs-fixes.ts'
import { createTlsSockets } from './tls-sockets.ts'

/** The part of a pino logger that Kafka's client writes to. */
export interface KafkaLogger {
  error(fields: object, message: string): void
  warn(fields: object, message: string): void
  info(fields: object, message: string): void
  debug(fields: object, message: string): void
}

type Optional =
  | 'kafkaSslCaFile'
  | 'kafkaSslCertFile'
  | 'kafkaSslKeyFile'
  | 'kafkaSaslMechanism'
  | 'kafkaSaslUsername'
  | 'kafkaSaslPassword'
export type KafkaConnection = Pick<ClusterConfig, 'kafkaBrokers' | 'kafkaSsl'> & Partial<Pick<ClusterConfig, Optional>>

export interface ConnectOptions {
  /** Shown in the broker's logs and quotas; the service instance's id. */
  readonly clientId: string
  /** Absent: the client writes nothing, and its errors speak for themselves. */
  readonly logger?: KafkaLogger
  /** Of one request to a broker; 30 s unless told. A join waits longer by itself. */
  readonly requestTimeoutMs?: number
  /** Hidden retries of one request; 5 unless told. What stands behind a fence asks for 0. */
  readonly retries?: number
}

/** A Kafka client by the environment's settings. Nothing is connected yet. */
export function createKafka(config: KafkaConnection, options: ConnectOptions): Kafka {
  mendKafkaJs()
  registerCodecs()
  const sasl = saslOf(config)
  const settings: KafkaConfig = {
    brokers: [...config.kafkaBrokers],
    clientId: options.clientId,
    ssl: config.kafkaSsl,
    // The default of one second is too short for TLS with SASL across regions.
    connectionTimeout: 5_000,
    authenticationTimeout: 10_000,
    requestTimeout: options.requestTimeoutMs ?? 30_000,
    retry: { retries: options.retries ?? 5, initialRetryTime: 200, maxRetryTime: 5_000 },
    logLevel: options.logger ? logLevel.INFO : logLevel.NOTHING,
    logCreator: logTo(options.logger),
  }
  if (config.kafkaSsl) {
    const { kafkaSslCaFile: caFile, kafkaSslCertFile: certFile, kafkaSslKeyFile: keyFile } = config
    settings.socketFactory = createTlsSockets({ caFile, certFile, keyFile }, options.logger)
  }
  if (sasl) settings.sasl = sasl
  return new Kafka(settings)
}

/** Runs `ask` with an admin client that is connected for it alone. Throws what kafkajs throws, or `ask`. */
export async function withAdmin<V>(kafka: Kafka, ask: (admin: Admin) => Promise<V>): Promise<V> {
  const admin = kafka.admin()
  try {
    await admin.connect()
    return await ask(admin)
  } finally {
    await admin.disconnect()
  }
}

function saslOf(config: KafkaConnection): KafkaConfig['sasl'] {
  const { kafkaSaslMechanism: mechanism, kafkaSaslUsername: username, kafkaSaslPassword: password } = config
  if (mechanism === undefined || username === undefined || password === undefined) return undefined
  // One mechanism at a time: the client's type is a union by mechanism.
  if (mechanism === 'plain') return { mechanism, username, password }
  if (mechanism === 'scram-sha-256') return { mechanism, username, password }
  return { mechanism, username, password }
}

const logTo =
  (logger: KafkaLogger | undefined): logCreator =>
  () =>
  ({ namespace, level, log }) => {
    if (!logger) return
    const { message, timestamp: _timestamp, logger: _logger, ...fields } = log
    const entry = { component: namespace ? `kafkajs/${namespace}` : 'kafkajs', ...fields }
    // In some places it hands over an error for a text.
    const text = (message as unknown) instanceof Error ? (message as unknown as Error).message : message
    if (level === logLevel.ERROR && isOrdinary(log.error)) logger.debug(entry, text)
    else if (level === logLevel.ERROR) logger.error(entry, text)
    else if (level === logLevel.WARN) logger.warn(entry, text)
    else if (level === logLevel.INFO) logger.info(entry, text)
    else logger.debug(entry, text)
  }

/** What a group or a coordinator says in the course of every rebalance or start: kafkajs logs it as an error and goes on. */
const isOrdinary = (error: unknown): boolean =>
  typeof error === 'string' &&
  /is rebalancing|coordinator is (not available|loading)|not aware of this member/i.test(error)
