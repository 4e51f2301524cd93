import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { clusterEnv, ingestEnv, parentEnv, readConfig, requestDeadlineMs, serviceEnv } from './config.ts'
import { SyncError } from './errors.ts'
import { SERVICES } from './kafka/topics.ts'
import { createAuthority, issue } from './testing/certificates.ts'

const folder = mkdtempSync(join(tmpdir(), 'sync-config-'))
afterAll(() => rmSync(folder, { recursive: true }))
const file = (name: string, text: string): string => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

const required = {
  KAFKA_BROKERS: 'localhost:9092',
  SCHEMA_REGISTRY_URL: 'http://localhost:8080/apis/ccompat/v7',
  TENANTS_FILE: 'tenants.json',
}
const Ingest = z.object({ ...serviceEnv('flow-ingest'), ...ingestEnv('flow-ingest') })
const Relations = z.object({ ...serviceEnv('relation-manager'), ...parentEnv })

const problemsOf = (schema: z.ZodObject, env: Record<string, string>): string => {
  try {
    readConfig(schema, { ...required, ...env })
    return ''
  } catch (error) {
    expect(error).toBeInstanceOf(SyncError)
    expect((error as SyncError).code).toBe('config-invalid')
    return (error as SyncError).message.replace('reading the environment: ', '')
  }
}

describe('reading the environment', () => {
  it('fills in a default for everything but where things are', () => {
    const config = readConfig(Ingest, required)

    expect(config).toMatchObject({
      kafkaBrokers: ['localhost:9092'],
      kafkaSsl: false,
      kafkaSaslMechanism: undefined,
      topicPrefix: '',
      adminHost: '127.0.0.1',
      adminPort: 9401,
      httpHost: '0.0.0.0',
      httpPort: 8081,
      logLevel: 'info',
      maxInFlight: 100,
      kafkaSessionTimeoutMs: 20_000,
      requestDeadlineMs: 8_000,
      sweepIntervalMs: 300_000,
      sweepOverlapMs: 120_000,
      retryMaxAttempts: 8,
      watchdogMs: 600_000,
    })
    expect(config.serviceInstanceId).toMatch(/-flow-ingest$/)
  })

  it('takes an empty or blank variable for an unset one', () => {
    const config = readConfig(Ingest, { ...required, MAX_IN_FLIGHT: '', LOG_LEVEL: ' ', KAFKA_SASL_PASSWORD: '' })

    expect(config).toMatchObject({ maxInFlight: 100, logLevel: 'info' })
    expect(problemsOf(Ingest, { KAFKA_BROKERS: '' })).toBe('KAFKA_BROKERS: must be set: host:port, several with commas')
  })

  it('takes zero for a value', () => {
    const config = readConfig(Ingest, { ...required, RETRY_MAX_ATTEMPTS: '0', SWEEP_INTERVAL_MS: '0', HTTP_PORT: '0' })

    expect(config).toMatchObject({ retryMaxAttempts: 0, sweepIntervalMs: 0, httpPort: 0 })
  })

  it('splits brokers, and drops the slash at the end of the registry', () => {
    const config = readConfig(Ingest, {
      ...required,
      KAFKA_BROKERS: 'a:9092, b:9093,[::1]:9094',
      SCHEMA_REGISTRY_URL: 'https://registry/apis/ccompat/v7/',
    })

    expect(config.kafkaBrokers).toEqual(['a:9092', 'b:9093', '[::1]:9094'])
    expect(config.schemaRegistryUrl).toBe('https://registry/apis/ccompat/v7')
  })

  it('lists every problem at once', () => {
    const problems = problemsOf(Relations, {
      KAFKA_BROKERS: 'kafka',
      TENANTS_FILE: '',
      MAX_IN_FLIGHT: '1e3',
      LOG_LEVEL: 'loud',
      FLOW_RATE_SHARE: '2',
      PARENT_CONFIRM_MS: '20 s',
    })

    expect(problems.split('; ')).toEqual([
      'KAFKA_BROKERS: must be host:port, several with commas',
      'TENANTS_FILE: must be set: the path of the tenants file',
      'LOG_LEVEL: must be fatal, error, warn, info, debug, trace or silent',
      'MAX_IN_FLIGHT: must be a whole number from 1 to 10000',
      'FLOW_RATE_SHARE: must be a number above 0 and at most 1',
      'PARENT_CONFIRM_MS: must be a whole number of milliseconds',
    ])
  })

  it.each([
    ['KAFKA_SSL', 'yes'],
    ['KAFKA_SSL', 'TRUE'],
    ['MAX_IN_FLIGHT', '0'],
    ['MAX_IN_FLIGHT', '-1'],
    ['MAX_IN_FLIGHT', '1.5'],
    ['MAX_IN_FLIGHT', '0x10'],
    ['KAFKA_SESSION_TIMEOUT_MS', '999'],
    ['SWEEP_INTERVAL_MS', '5m'],
    ['WATCHDOG_MS', '-1'],
    ['ADMIN_PORT', '65536'],
    ['ADMIN_PORT', '8081'],
    ['FLOW_RATE_SHARE', '0'],
    ['OMNIUM_RATE_SHARE', '1.01'],
    ['OMNIUM_RATE_SHARE', '1,5'],
    ['TOPIC_PREFIX', 'a b'],
    ['SERVICE_INSTANCE_ID', 'a/b'],
    ['SCHEMA_REGISTRY_URL', 'registry:8080'],
    ['SCHEMA_REGISTRY_URL', 'ftp://registry'],
    ['KAFKA_SASL_MECHANISM', 'gssapi'],
  ])('refuses %s=%s', (name, value) => {
    expect(problemsOf(Ingest, { [name]: value })).toContain(`${name}: m`)
  })

  it('wants user name and password with a SASL mechanism, and the reverse', () => {
    const credentials = { KAFKA_SASL_USERNAME: 'sync', KAFKA_SASL_PASSWORD: 'hunter2' }

    expect(problemsOf(Ingest, { KAFKA_SASL_MECHANISM: 'plain' })).toContain('KAFKA_SASL_PASSWORD: must be set with')
    expect(problemsOf(Ingest, credentials)).toContain('KAFKA_SASL_MECHANISM: must be set with')
    expect(problemsOf(Ingest, { SCHEMA_REGISTRY_PASSWORD: 'hunter2' })).toContain('SCHEMA_REGISTRY_USERNAME: must be')
    expect(problemsOf(Ingest, { ...credentials, KAFKA_SASL_MECHANISM: 'scram-sha-512' })).toBe('')
  })

  it('reads the files of TLS at once, and says everything that is wrong with them', () => {
    const authority = createAuthority('Acme CA')
    const own = issue(authority, { name: 'flow-ingest' })
    const [ca, cert, key] = [file('ca.pem', authority.cert), file('cert.pem', own.cert), file('key.pem', own.key)]
    const right = { KAFKA_SSL: 'true', KAFKA_SSL_CA_FILE: ca, KAFKA_SSL_CERT_FILE: cert, KAFKA_SSL_KEY_FILE: key }

    expect(readConfig(Ingest, { ...required, ...right })).toMatchObject({
      kafkaSsl: true,
      kafkaSslCaFile: ca,
      kafkaSslCertFile: cert,
      kafkaSslKeyFile: key,
    })
    expect(problemsOf(Ingest, { ...right, KAFKA_SSL: '' }).split('; ')).toEqual([
      'KAFKA_SSL_CA_FILE: must be set with KAFKA_SSL=true',
      'KAFKA_SSL_CERT_FILE: must be set with KAFKA_SSL=true',
      'KAFKA_SSL_KEY_FILE: must be set with KAFKA_SSL=true',
    ])
    expect(problemsOf(Ingest, { ...right, KAFKA_SSL_KEY_FILE: '' })).toBe(
      'KAFKA_SSL_KEY_FILE: must be set with KAFKA_SSL_CERT_FILE',
    )
    expect(problemsOf(Ingest, { ...right, KAFKA_SSL_CERT_FILE: '' })).toBe(
      'KAFKA_SSL_CERT_FILE: must be set with KAFKA_SSL_KEY_FILE',
    )
    expect(
      problemsOf(Ingest, { ...right, KAFKA_SSL_CA_FILE: `${ca}.gone`, KAFKA_SSL_KEY_FILE: cert }).split('; '),
    ).toEqual([
      `KAFKA_SSL_CA_FILE: file ${ca}.gone can't be read (ENOENT)`,
      `KAFKA_SSL_KEY_FILE: file ${cert} holds no private key in PEM`,
    ])
  })

  it('resolves a secret that is a reference', () => {
    const sasl = { KAFKA_SASL_MECHANISM: 'plain', KAFKA_SASL_USERNAME: 'sync', KAFKA_SASL_PASSWORD: 'env:KAFKA_KEY' }

    expect(readConfig(Ingest, { ...required, ...sasl, KAFKA_KEY: 'hunter2' }).kafkaSaslPassword).toBe('hunter2')
    expect(problemsOf(Ingest, sasl)).toBe('KAFKA_SASL_PASSWORD: environment variable KAFKA_KEY is not set')
  })

  it('never shows a value', () => {
    const problems = problemsOf(Ingest, {
      SCHEMA_REGISTRY_URL: 'https://user:hunter2@registry',
      KAFKA_SASL_PASSWORD: 'hunter2',
      SCHEMA_REGISTRY_PASSWORD: 'hunter2',
      MAX_IN_FLIGHT: 'hunter2',
      KAFKA_BROKERS: 'hunter2',
    })

    expect(problems).toContain('SCHEMA_REGISTRY_URL: must not hold credentials')
    expect(problems).not.toContain('hunter2')
  })

  it('needs no tenants for a tool that only knows the cluster', () => {
    const config = readConfig(z.object(clusterEnv), { ...required, TENANTS_FILE: undefined })

    expect(config).not.toHaveProperty('tenantsFile')
    expect(config).not.toHaveProperty('requestDeadlineMs')
  })
})

describe('the services together', () => {
  it('have ports of their own, so that they run on one machine', () => {
    const ports = SERVICES.map((service) => readConfig(z.object(serviceEnv(service)), required).adminPort)

    expect(new Set(ports).size).toBe(SERVICES.length)
  })

  it("leave something of a tenant's rate to the command line", () => {
    const configs = SERVICES.map((service) => readConfig(z.object(serviceEnv(service)), required))

    expect(configs.reduce((sum, { flowRateShare }) => sum + flowRateShare, 0)).toBeLessThan(1)
    expect(configs.reduce((sum, { omniumRateShare }) => sum + omniumRateShare, 0)).toBeLessThan(1)
  })
})

describe('the request deadline', () => {
  it.each([
    [{ sessionTimeoutMs: 6_000 }, 2_400],
    [{ sessionTimeoutMs: 30_000 }, 10_000],
    [{ sessionTimeoutMs: 1_800_000 }, 10_000],
    [{ sessionTimeoutMs: 30_000, parentConfirmMs: 60_000 }, 10_000],
    [{ sessionTimeoutMs: 30_000, parentConfirmMs: 2_000 }, 800],
    [{ sessionTimeoutMs: 30_000, watchdogMs: 5_000 }, 4_000],
    [{ sessionTimeoutMs: 30_000, watchdogMs: 0 }, 10_000],
  ])('with %o is %d ms', (limits, deadlineMs) => {
    expect(requestDeadlineMs(limits)).toBe(deadlineMs)
  })
})
