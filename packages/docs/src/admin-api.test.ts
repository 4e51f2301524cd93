import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Validator } from '@seriousme/openapi-schema-validator'
import { assemble } from '@sync/shared/assemble'
import { readConfig, serviceEnv } from '@sync/shared/config'
import { SyncError } from '@sync/shared/errors'
import { createAdminApp } from '@sync/shared/http/admin'
import { createCircuits } from '@sync/shared/http/circuits'
import { createLogger } from '@sync/shared/logger'
import { openTenantsFile } from '@sync/shared/tenants-file'
import { aCall, aTenant } from '@sync/shared/testing/builders'
import { createManualTime } from '@sync/shared/testing/manual-time'
import { noTracer } from '@sync/shared/tracing'
import { afterAll, expect, test } from 'vitest'
import { z } from 'zod'
import { adminApi, LiveAnswer, ReadyAnswer } from './admin-api.ts'
import { openApiProblems, partOf } from './testing/schemas.ts'
import { asYaml, type Json } from './yaml.ts'

const document = adminApi()
const problemsOf = openApiProblems(document)
const folder = mkdtempSync(join(tmpdir(), 'admin-api-'))
afterAll(() => rmSync(folder, { recursive: true }))

const contentOf = (path: string, status: number) =>
  partOf<Record<string, Json>>(document, 'paths', path, 'get', 'responses', String(status), 'content')

test('the JSON Schema of OpenAPI 3.1 has nothing to say against the document, and finds what is wrong', async () => {
  const text = asYaml(document)
  const spoilt = text.replace('responses:', 'answers:')

  expect(spoilt).not.toBe(text)
  expect(await new Validator().validate(text)).toEqual({ valid: true })
  expect(await new Validator().validate(spoilt)).toMatchObject({ valid: false })
})

test('the examples keep to the schemas', () => {
  for (const [path, schema] of [
    ['/live', 'Live'],
    ['/ready', 'Ready'],
  ] as const) {
    const responses = partOf<Record<string, Json>>(document, 'paths', path, 'get', 'responses')
    const examples = Object.values(responses).flatMap((response) =>
      Object.values(partOf<Record<string, { value: unknown }>>(response, 'content', 'application/json', 'examples')),
    )

    expect(examples.length).toBeGreaterThan(0)
    for (const { value } of examples) expect(problemsOf(`/components/schemas/${schema}`, value)).toEqual([])
  }
})

/** A service that starts while Kafka is away, and the port that its log tells of. */
async function givenService() {
  const path = join(folder, 'tenants.json')
  writeFileSync(path, JSON.stringify([aTenant()]))
  const port = Promise.withResolvers<number>()
  const logger = createLogger({
    ...{ service: 'customer-mapper', level: 'info' },
    destination: {
      write(line) {
        const { msg, port: told } = JSON.parse(line) as { msg: string; port: number }
        if (msg === 'admin listens') port.resolve(told)
      },
    },
  })
  const config = readConfig(z.object(serviceEnv('customer-mapper')), {
    ...{ KAFKA_BROKERS: '127.0.0.1:1', SCHEMA_REGISTRY_URL: 'http://127.0.0.1:1', TENANTS_FILE: path, ADMIN_PORT: '0' },
  })
  const part = assemble({
    ...{ service: 'customer-mapper', config, logger, tracer: noTracer },
    tenantsFile: openTenantsFile({ path, env: {}, logger }),
    droppedLogLines: () => 0,
    build: () => ({
      handler: {
        ...{ service: 'customer-mapper', topics: ['flow.customers.v1'] },
        ...{ classify: () => ({ group: null, version: '', targets: [] }), handle: async () => [] },
      },
      writes: [],
    }),
    fail: port.reject,
  })
  const started = part.start().catch(() => {})
  return {
    url: `http://127.0.0.1:${await port.promise}`,
    async stop() {
      await part.stop()
      await started
    },
  }
}

test('a service answers as the document says while it waits for Kafka', async () => {
  const { url, stop } = await givenService()

  const live = await fetch(`${url}/live`)
  const ready = await fetch(`${url}/ready`)
  const metrics = await fetch(`${url}/metrics`)
  const open = await fetch(`${url}/metrics`, { headers: { accept: 'application/openmetrics-text' } })
  const answers = { live: await live.json(), ready: await ready.json(), metrics: await metrics.text() }
  await stop()

  expect([live.status, ready.status, metrics.status]).toEqual([200, 503, 200])
  expect(LiveAnswer.parse(answers.live)).toEqual(answers.live)
  // What is told and not documented would be missing on the left.
  expect(ReadyAnswer.parse(answers.ready)).toEqual(answers.ready)
  expect(answers.ready).toMatchObject({ ready: false, waitingFor: expect.arrayContaining(['kafka']) })
  expect(problemsOf('/components/schemas/Ready', answers.ready)).toEqual([])
  const contentTypes = [metrics, open].map(({ headers }) => headers.get('content-type'))
  expect(Object.keys(contentOf('/metrics', 200))).toEqual(contentTypes)
  expect(answers.metrics).toContain('sync_tenants 1')
})

test('a service that is ready answers 200, with its circuits as they are', async () => {
  const down = new SyncError('target-failed', 'updating in omnium: 503', {
    target: 'omnium',
    tenant: 'acme',
    status: 503,
  })
  const time = createManualTime()
  const circuits = createCircuits({
    ...{ probe: () => Promise.reject(down), now: time.now, random: () => 0.5, schedule: time.schedule },
  })
  for (const key of ['acme:1', 'acme:2', 'acme:3']) {
    await circuits.guard(aCall({ key }), 'omnium', true, () => Promise.reject(down)).catch(() => {})
  }
  await circuits.guard(aCall(), 'flow', false, async () => {})
  const details = {
    ...{ service: 'customer-mapper', instance: 'a', circuits: circuits.list() },
    ...{ missingRoles: [], shorterLogs: [], unclaimedPartitions: [], absenceGuards: [] },
    ...{ tenants: { inUse: 1, problem: null }, problems: {} },
  }
  const app = createAdminApp({
    readiness: () => ({ waitingFor: [], details }),
    metrics: async () => ({ contentType: 'text/plain', text: '' }),
  })

  const reply = await app.inject('/ready')

  expect(reply.statusCode).toBe(200)
  expect(ReadyAnswer.parse(reply.json())).toEqual(reply.json())
  expect(reply.json().circuits.map(({ state }: { state: string }) => state)).toEqual(['open', 'closed'])
  circuits.close()
  await app.close()
})
