import { vi } from 'vitest'
import type { SyncOutcome } from '../contracts/sync-outcome.ts'
import { SyncError } from '../errors.ts'
import type { CommitRequest, RawMessage } from '../kafka/ports.ts'
import { createRuntime } from '../kafka/runtime.ts'
import type { RuntimeOptions } from '../kafka/runtime-options.ts'
import { createLogger } from '../logger.ts'
import { done, type Outcome, skipped } from '../outcome.ts'
import type { Delivery, HandlerContext, StreamHandler } from '../stream.ts'
import { createTenants, parseTenants } from '../tenants.ts'
import { createFakeSource } from './fake-source.ts'

export const TOPIC = 'flow.customers.v1'
export const tenants = parseTenants(
  JSON.stringify(
    ['acme', 'bolt'].map((uid) => ({
      uid,
      countryCode: 'NO',
      webhookSecrets: ['s'],
      flow: { baseUrl: 'http://127.0.0.1:1', token: 't' },
      omnium: { baseUrl: 'http://127.0.0.1:1', clientId: 'c', clientSecret: 's' },
    })),
  ),
  {},
)

export const alone = createTenants(tenants.all().slice(0, 1))

/** Values are `version text`; what a handler answers is decided by the test, call by call. */
export type Answer = (deliveries: readonly Delivery[], context: HandlerContext) => Promise<readonly Outcome[]>
const versionOf = (delivery: Delivery) => (delivery.value as unknown as string).split(' ')[0]!

export interface Given {
  readonly answer?: Answer
  readonly classify?: StreamHandler['classify']
  readonly overrides?: Partial<RuntimeOptions>
  readonly limits?: Partial<RuntimeOptions['limits']>
  /** What the group had committed before. */
  readonly commits?: readonly CommitRequest[]
}

/** A runtime on a source without a broker, with everything that it did. */
export async function givenRuntime({
  answer = async (all) => all.map(() => done()),
  classify = (delivery) =>
    delivery.value === null
      ? { end: skipped('deleted') }
      : { group: 'customer', version: versionOf(delivery), targets: ['omnium'] },
  overrides = {},
  limits = {},
  commits = [],
}: Given = {}) {
  const source = createFakeSource([TOPIC, 'customer-mapper.retry.v1'])
  source.commits.push(...commits)
  const outcomes: SyncOutcome[] = []
  const sent: RawMessage[] = []
  const calls: string[][] = []
  const fatal: Error[] = []
  const listeners: Parameters<RuntimeOptions['circuits']['onChange']>[0][] = []
  const blocked = new Set<string>()
  const handler: StreamHandler = {
    service: 'customer-mapper',
    topics: [TOPIC],
    classify,
    handle(deliveries, context) {
      calls.push(deliveries.map(({ value }) => value as unknown as string))
      return answer(deliveries, context)
    },
  }
  const runtime = createRuntime({
    service: 'customer-mapper',
    handler,
    prefix: '',
    instanceId: 'one',
    source,
    decode: async (_topic, bytes) => {
      if (bytes.toString() === 'broken') throw new SyncError('contract-violation', 'decoding')
      return bytes.toString()
    },
    send: async (messages, fence) => {
      fence?.()
      sent.push(...messages)
    },
    tenants: () => tenants,
    circuits: {
      admit: (tenant) =>
        blocked.has(tenant) ? { admitted: false, retryAtMs: Date.now() + 30_000 } : { admitted: true },
      onChange: (listener) => listeners.push(listener),
    },
    outcomes: { add: (outcome) => outcomes.push(outcome), flush: async () => {}, size: 0 },
    maxAttempts: 3,
    metrics: { ended() {}, retried() {}, parked() {}, logShortened() {}, notRemoved() {}, endToEnd() {} },
    observeHandling() {},
    logger: createLogger({ service: 'test', level: 'silent' }),
    now: Date.now,
    wallNow: Date.now,
    random: () => 0.5,
    onFatal: (error) => fatal.push(error),
    ...overrides,
    limits: {
      maxInFlight: 10,
      maxPendingRecords: 1_000,
      maxPendingBytes: 1e6,
      maxDistance: 10_000,
      deferAfterMs: 60_000,
      commitIntervalMs: 1_000,
      sessionTimeoutMs: 30_000,
      requestDeadlineMs: 10_000,
      watchdogMs: 0,
      ...limits,
    },
  })
  await runtime.start()
  source.assign([0])
  const customer = (key: string, ...values: (string | null)[]) =>
    source.append(
      TOPIC,
      0,
      values.map((value) => ({ key, value })),
    )
  const ends = () => outcomes.map(({ offset, outcome, reason }) => [Number(offset), reason ?? outcome])
  const closeCircuit = (tenant: string) => {
    blocked.delete(tenant)
    for (const listener of listeners) listener(tenant, 'omnium', 'closed')
  }
  return { source, runtime, outcomes, sent, calls, fatal, blocked, customer, ends, closeCircuit }
}

/** Lets what is due now happen, under fake timers. */
export const settle = () => vi.advanceTimersByTimeAsync(1)
