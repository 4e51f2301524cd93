import { homedir, hostname } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { SyncError } from './errors.ts'
import { DEFAULT_SHARES } from './http/shares.ts'
import { readTlsFiles, type TlsFiles } from './kafka/tls-files.ts'
import { SERVICES, type ServiceName } from './kafka/topics.ts'
import { resolveSecret } from './tenants.ts'
import { tracingEnv } from './tracing-config.ts'

type Env = Readonly<Record<string, string | undefined>>

const integer = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d+$/, `must be a whole number from ${min} to ${max}`)
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must be a whole number from ${min} to ${max}`)

const MAX_DURATION_MS = 7 * 86_400_000
const durationMs = (min: number) =>
  z
    .string()
    .regex(/^\d+$/, 'must be a whole number of milliseconds')
    .transform(Number)
    .refine((ms) => ms >= min && ms <= MAX_DURATION_MS, `must be from ${min} to ${MAX_DURATION_MS} ms`)

const switches = z
  .enum(['true', 'false', '1', '0'], 'must be true, false, 1 or 0')
  .transform((value) => value === 'true' || value === '1')

/** A part of a tenant's limits, above 0 and at most 1. */
const share = z
  .string()
  .regex(/^\d*\.?\d+$/, 'must be a number above 0 and at most 1')
  .transform(Number)
  .refine((value) => value > 0 && value <= 1, 'must be a number above 0 and at most 1')

const port = integer(0, 65_535)
const text = z.string()

const brokers = z
  .string('must be set: host:port, several with commas')
  .transform((value) => value.split(',').map((broker) => broker.trim()))
  .refine(
    (list) => list.every((broker) => /^(\[[\da-fA-F:]+\]|[^\s:,/]+):\d{1,5}$/.test(broker)),
    'must be host:port, several with commas',
  )

const isHttpUrl = (value: string): boolean => {
  const url = URL.parse(value)
  return url !== null && (url.protocol === 'http:' || url.protocol === 'https:')
}
const registryUrl = z
  .string('must be set: the URL of the schema registry')
  .refine(isHttpUrl, 'must be an http or https URL')
  .refine(
    (value) => (URL.parse(value)?.username ?? '') === '',
    'must not hold credentials: they go into SCHEMA_REGISTRY_USERNAME and SCHEMA_REGISTRY_PASSWORD',
  )
  .transform((value) => value.replace(/\/+$/, ''))

const topicPrefix = z.string().regex(/^[\w.-]{0,100}$/, 'may hold letters, digits, dots, dashes and underscores')

/** How to reach Kafka and the schema registry, and what goes before topic names and group ids. */
export const clusterEnv = {
  KAFKA_BROKERS: brokers,
  KAFKA_SSL: switches.prefault('false'),
  /** Paths of PEM files; see kafka/tls-files.ts. */
  KAFKA_SSL_CA_FILE: text.optional(),
  KAFKA_SSL_CERT_FILE: text.optional(),
  KAFKA_SSL_KEY_FILE: text.optional(),
  KAFKA_SASL_MECHANISM: z
    .enum(['plain', 'scram-sha-256', 'scram-sha-512'], 'must be plain, scram-sha-256 or scram-sha-512')
    .optional(),
  KAFKA_SASL_USERNAME: text.optional(),
  KAFKA_SASL_PASSWORD: text.optional(),
  SCHEMA_REGISTRY_URL: registryUrl,
  SCHEMA_REGISTRY_USERNAME: text.optional(),
  SCHEMA_REGISTRY_PASSWORD: text.optional(),
  TOPIC_PREFIX: topicPrefix.prefault(''),
}

/** Variables whose value is a secret: a literal, `env:NAME` or `file:/path`. */
const SECRETS: ReadonlySet<string> = new Set([
  'KAFKA_SASL_PASSWORD',
  'SCHEMA_REGISTRY_PASSWORD',
  'OTEL_EXPORTER_OTLP_HEADERS',
])

const ADMIN_PORT_BASE = 9401

/** The variables that every service reads. */
export const serviceEnv = (service: ServiceName) => ({
  ...clusterEnv,
  TENANTS_FILE: z.string('must be set: the path of the tenants file'),
  /** Health, readiness and metrics: loopback unless said otherwise, because they are never public. */
  ADMIN_HOST: text.prefault('127.0.0.1'),
  ADMIN_PORT: port.prefault(String(ADMIN_PORT_BASE + SERVICES.indexOf(service))),
  LOG_LEVEL: z
    .enum(
      ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
      'must be fatal, error, warn, info, debug, trace or silent',
    )
    .prefault('info'),
  /** Stable over restarts, so that the partition assigner gives a member back what it had. */
  SERVICE_INSTANCE_ID: z
    .string()
    .regex(/^[\w.-]{1,200}$/, 'may hold letters, digits, dots, dashes and underscores')
    .prefault(() => `${hostname().replace(/[^\w.-]/g, '-')}-${service}`),
  MAX_IN_FLIGHT: integer(1, 10_000).prefault('100'),
  MAX_PENDING_BYTES: integer(1_048_576, 4_294_967_296).prefault('67108864'),
  /** What a broker accepts is its own setting: 6,000 to 1,800,000 by default (group.min/max.session.timeout.ms). */
  KAFKA_SESSION_TIMEOUT_MS: integer(1_000, 1_800_000).prefault('20000'),
  RETRY_MAX_ATTEMPTS: integer(0, 1_000).prefault('8'),
  /** 0: no watchdog. */
  WATCHDOG_MS: durationMs(0).prefault('600000'),
  FLOW_RATE_SHARE: share.prefault(String(DEFAULT_SHARES[service].flow)),
  OMNIUM_RATE_SHARE: share.prefault(String(DEFAULT_SHARES[service].omnium)),
  ...tracingEnv,
})

/** The variables of a service that takes webhooks and sweeps. */
export const ingestEnv = (service: 'flow-ingest' | 'omnium-ingest') => ({
  HTTP_HOST: text.prefault('0.0.0.0'),
  HTTP_PORT: port.prefault(service === 'flow-ingest' ? '8081' : '8082'),
  SWEEP_INTERVAL_MS: durationMs(0).prefault('300000'),
  SWEEP_OVERLAP_MS: durationMs(0).prefault('120000'),
  SWEEP_DEEP_INTERVAL_MS: durationMs(0).prefault('3600000'),
  SWEEP_DEEP_LOOKBACK_MS: durationMs(0).prefault('21600000'),
})

/** The variables of the service that writes parent relations. */
export const parentEnv = {
  PARENT_WAIT_MS: durationMs(0).prefault('1800000'),
  PARENT_CONFIRM_MS: durationMs(1).prefault('60000'),
}

/** The variables that `syncctl` reads; those that not every command needs may be missing. */
export const cliEnv = {
  ...clusterEnv,
  TENANTS_FILE: z.string().optional(),
  RETRY_MAX_ATTEMPTS: integer(0, 1_000).prefault('8'),
  FLOW_RATE_SHARE: share.prefault(String(DEFAULT_SHARES.syncctl.flow)),
  OMNIUM_RATE_SHARE: share.prefault(String(DEFAULT_SHARES.syncctl.omnium)),
  /** Where long commands keep what they need to go on after an interruption. */
  SYNCCTL_STATE_DIR: text.prefault(() => join(homedir(), '.local', 'state', 'syncctl')),
  ...parentEnv,
}

type CamelCase<S extends string> = S extends `${infer Head}_${infer Tail}`
  ? `${Lowercase<Head>}${Capitalize<CamelCase<Tail>>}`
  : Lowercase<S>

type Shape = Readonly<Record<string, z.ZodType>>

/** A configuration as it is used: the variables' names in camel case, and what is derived from them. */
export type ConfigOf<S extends Shape> = {
  readonly [K in keyof S & string as CamelCase<K>]: z.output<S[K]>
} & (S extends { KAFKA_SESSION_TIMEOUT_MS: z.ZodType }
  ? {
      /** Every request to a target or broker is over within this time, so that a fence can trust it to be. */
      readonly requestDeadlineMs: number
    }
  : unknown)

export type ClusterConfig = ConfigOf<typeof clusterEnv>
/** What every service's configuration holds. */
export type SharedConfig = ConfigOf<ReturnType<typeof serviceEnv>>

/**
 * Every request is over within this time: heartbeat age plus it stays below the session timeout of a healthy member, it
 * fits into the half of PARENT_CONFIRM_MS that follows an announcement, and the watchdog does not take it for a hang.
 */
export const requestDeadlineMs = (limits: {
  readonly sessionTimeoutMs: number
  readonly parentConfirmMs?: number | undefined
  readonly watchdogMs?: number | undefined
}): number => {
  const { sessionTimeoutMs, parentConfirmMs, watchdogMs } = limits
  const parts = [sessionTimeoutMs * 0.4]
  if (parentConfirmMs !== undefined) parts.push(parentConfirmMs * 0.4)
  if (watchdogMs) parts.push(watchdogMs * 0.8)
  return Math.max(1, Math.floor(Math.min(10_000, ...parts)))
}

/**
 * Reads a configuration by its zod schema; an empty variable is an unset one. Throws SyncError `config-invalid` whose
 * message lists every problem by its variable, never a value.
 */
export function readConfig<S extends Shape>(schema: z.ZodObject<S>, env: Env): ConfigOf<S> {
  const problems: string[] = []
  const values: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(schema.shape)) {
    const parsed = field.safeParse(readVariable(name, env, problems))
    if (parsed.success) values[name] = parsed.data
    else problems.push(`${name}: ${parsed.error.issues[0]?.message ?? 'is not valid'}`)
  }
  problems.push(...contradictions(values), ...tlsProblems(values))
  if (problems.length > 0) throw new SyncError('config-invalid', `reading the environment: ${problems.join('; ')}`)
  const config: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(values)) config[camelCase(name)] = value
  const sessionTimeoutMs = values.KAFKA_SESSION_TIMEOUT_MS
  if (typeof sessionTimeoutMs === 'number') {
    const parentConfirmMs = values.PARENT_CONFIRM_MS as number | undefined
    const watchdogMs = values.WATCHDOG_MS as number | undefined
    config.requestDeadlineMs = requestDeadlineMs({ sessionTimeoutMs, parentConfirmMs, watchdogMs })
  }
  return config as ConfigOf<S>
}

function readVariable(name: string, env: Env, problems: string[]): string | undefined {
  const value = env[name]?.trim()
  if (value === undefined || value === '') return undefined
  if (!SECRETS.has(name)) return value
  try {
    return resolveSecret(value, env)
  } catch (error) {
    problems.push(`${name}: ${(error as Error).message}`)
    return value
  }
}

/** What each variable alone can't show. A value that is itself wrong is missing here and has been reported. */
function contradictions(values: Readonly<Record<string, unknown>>): string[] {
  const problems: string[] = []
  const isSet = (name: string) => values[name] !== undefined
  if (isSet('KAFKA_SASL_MECHANISM')) {
    for (const name of ['KAFKA_SASL_USERNAME', 'KAFKA_SASL_PASSWORD']) {
      if (!isSet(name)) problems.push(`${name}: must be set with KAFKA_SASL_MECHANISM`)
    }
  } else if (isSet('KAFKA_SASL_USERNAME') || isSet('KAFKA_SASL_PASSWORD')) {
    problems.push('KAFKA_SASL_MECHANISM: must be set with KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD')
  }
  if (isSet('SCHEMA_REGISTRY_USERNAME') !== isSet('SCHEMA_REGISTRY_PASSWORD')) {
    problems.push('SCHEMA_REGISTRY_USERNAME: must be set together with SCHEMA_REGISTRY_PASSWORD')
  }
  const { HTTP_PORT: httpPort, ADMIN_PORT: adminPort } = values
  if (httpPort !== undefined && httpPort !== 0 && httpPort === adminPort) {
    problems.push('ADMIN_PORT: must differ from HTTP_PORT')
  }
  return problems
}

const TLS_FILES = {
  caFile: 'KAFKA_SSL_CA_FILE',
  certFile: 'KAFKA_SSL_CERT_FILE',
  keyFile: 'KAFKA_SSL_KEY_FILE',
} as const satisfies Record<keyof TlsFiles, string>

/** Found at the start rather than at a handshake. */
function tlsProblems(values: Readonly<Record<string, unknown>>): string[] {
  const given = Object.values(TLS_FILES).filter((name) => values[name] !== undefined)
  if (given.length === 0) return []
  if (values.KAFKA_SSL !== true) return given.map((name) => `${name}: must be set with KAFKA_SSL=true`)
  const problems: string[] = []
  const { certFile, keyFile, caFile } = TLS_FILES
  if (given.includes(certFile) && !given.includes(keyFile)) problems.push(`${keyFile}: must be set with ${certFile}`)
  if (given.includes(keyFile) && !given.includes(certFile)) problems.push(`${certFile}: must be set with ${keyFile}`)
  const path = (name: string) => values[name] as string | undefined
  const read = readTlsFiles({ caFile: path(caFile), certFile: path(certFile), keyFile: path(keyFile) })
  return [...problems, ...read.problems.map(({ of, message }) => `${TLS_FILES[of]}: ${message}`)]
}

const camelCase = (name: string): string =>
  name.toLowerCase().replace(/_([a-z\d])/g, (_match, letter: string) => letter.toUpperCase())
