import type { FaultRule } from '@sync/sandbox/fault-rule'
import { SERVICES, type ServiceName, type TopicName } from '@sync/shared/kafka/topics'
import { type Chance, createChance } from './chance.ts'
import { RECREATED_TOPIC } from './recreate-topic.ts'

/** `forMs`: how long it lasts. Instances count from 0; one past the number that are there at the start is added. */
export type Fault = { readonly atMs: number; readonly forMs: number } & (
  | { readonly kind: 'kill' | 'freeze' | 'stop' | 'add'; readonly service: ServiceName; readonly instance: number }
  /** The wall clock steps by `byMs` for `forMs`, or for the rest of the run. */
  | {
      readonly kind: 'clock'
      readonly service: ServiceName
      readonly instance: number
      readonly byMs: number
      readonly returns: boolean
    }
  /** A broker that is down, and one that keeps its connections and does not answer. Brokers count from 1. */
  | { readonly kind: 'broker'; readonly node: number; readonly signal: 'SIGTERM' | 'SIGKILL' }
  | { readonly kind: 'broker-freeze'; readonly node: number }
  /** The preferred leader of each partition becomes the replica that stands `shift` places further in the list. `coordinators` are the leaders of the group offsets. */
  | { readonly kind: 'leaders'; readonly of: 'topics' | 'coordinators'; readonly shift: 1 | 2 }
  | { readonly kind: 'registry' }
  | { readonly kind: 'recreate'; readonly topic: TopicName }
  | { readonly kind: 'target'; readonly target: 'flow' | 'omnium'; readonly rule: FaultRule }
  /** `role`: the API user lacks the role for the lists. `tokens`: each new token makes the earlier tokens invalid. */
  | { readonly kind: 'role' | 'tokens'; readonly target: 'flow' | 'omnium'; readonly tenant: string }
  /** Shares of the webhooks that are lost, come twice, or come late. */
  | { readonly kind: 'webhooks'; readonly drop: number; readonly duplicate: number; readonly reorder: number }
)

export interface FaultOptions {
  readonly seed: number
  readonly instances: number
  readonly tenants: readonly string[]
  readonly durationMs: number
  readonly sessionTimeoutMs: number
  /** Brokers and registry can be taken down. */
  readonly ownsStack: boolean
  readonly brokers: number
}

const QUIET_AT_START_MS = 3_000

/** Faults of all kinds in the time of the workload, each over before its end: the same options, the same schedule. */
export function planFaults(options: FaultOptions): Fault[] {
  const { durationMs, ownsStack } = options
  const faults: Fault[] = [
    ...series(options, 'processes', [3_000, 9_000], processFault),
    ...series(options, 'clocks', [12_000, 30_000], clockFault),
    ...series(options, 'targets', [4_000, 10_000], targetFault),
    ...series(options, 'answers', [6_000, 15_000], answerFault),
    ...series(options, 'brownouts', [15_000, 40_000], brownout),
    ...series(options, 'modes', [20_000, 60_000], (chance, { tenants }) => ({
      ...chance.pick(MODE_FAULTS),
      ...{ tenant: chance.pick(tenants), forMs: chance.between(2_000, 15_000) },
    })),
    ...series(options, 'webhooks', [5_000, 15_000], (chance) => ({
      kind: 'webhooks',
      forMs: chance.between(2_000, 12_000),
      drop: chance.pick([0, 0.1, 0.3]),
      duplicate: chance.pick([0, 0.2]),
      reorder: chance.pick([0, 0.2]),
    })),
    ...(ownsStack
      ? [
          ...(options.brokers > 1
            ? series(options, 'brokers', [8_000, 20_000], faultOfThreeBrokers)
            : series(options, 'broker', [30_000, 70_000], faultOfBroker)),
          ...recreation(options),
          ...series(options, 'registry', [40_000, 90_000], (chance) => ({
            kind: 'registry',
            forMs: chance.between(500, 10_000),
          })),
        ]
      : []),
  ]
  return faults.filter(({ atMs, forMs }) => atMs + forMs <= durationMs).toSorted((a, b) => a.atMs - b.atMs)
}

/** Once in most runs, in the middle. */
function recreation({ seed, durationMs }: FaultOptions): Fault[] {
  const chance = createChance(seed, 'recreation')
  const atMs = Math.round(durationMs * (0.3 + 0.4 * chance.draw()))
  return chance.happens(0.6) ? [{ kind: 'recreate', topic: RECREATED_TOPIC, atMs, forMs: 0 }] : []
}

type Unplaced<F = Fault> = F extends Fault ? Omit<F, 'atMs'> : never

/** One after the other, each when the pause after the one before is over. */
function series(
  options: FaultOptions,
  name: string,
  [minPauseMs, maxPauseMs]: readonly [number, number],
  make: (chance: Chance, options: FaultOptions) => Unplaced,
): Fault[] {
  const chance = createChance(options.seed, name)
  const faults: Fault[] = []
  let atMs = QUIET_AT_START_MS + chance.between(0, maxPauseMs)
  while (atMs < options.durationMs) {
    faults.push({ ...make(chance, options), atMs })
    atMs += chance.between(minPauseMs, maxPauseMs)
  }
  return faults
}

function processFault(chance: Chance, { instances, sessionTimeoutMs }: FaultOptions): Unplaced {
  const kind = chance.weighted({ kill: 4, freeze: 3, stop: 2, add: 2 })
  const service = chance.pick(SERVICES)
  const among = instances - 1
  if (kind === 'kill') return { kind, service, instance: chance.between(0, among), forMs: chance.between(200, 6_000) }
  if (kind === 'stop') return { kind, service, instance: chance.between(0, among), forMs: chance.between(200, 15_000) }
  if (kind === 'add') return { kind, service, instance: instances, forMs: chance.between(5_000, 30_000) }
  // Some wake up before the group has given them up, most after.
  const forMs = Math.round(sessionTimeoutMs * (0.5 + 1.2 * chance.draw()))
  return { kind, service, instance: chance.between(0, among), forMs }
}

/** After that time the controller gives up a broker that does not answer, and other brokers lead its partitions. */
export const BROKER_SESSION_TIMEOUT_MS = 4_000

function faultOfBroker(chance: Chance, { brokers }: FaultOptions): Unplaced {
  const node = chance.between(1, brokers)
  // Half of the freezes end before the controller gives up the broker.
  if (chance.happens(0.4)) {
    return { kind: 'broker-freeze', node, forMs: Math.round(BROKER_SESSION_TIMEOUT_MS * (0.3 + 1.4 * chance.draw())) }
  }
  return { kind: 'broker', node, signal: chance.pick(['SIGTERM', 'SIGKILL']), forMs: chance.between(500, 8_000) }
}

function faultOfThreeBrokers(chance: Chance, options: FaultOptions): Unplaced {
  if (!chance.happens(0.3)) return faultOfBroker(chance, options)
  return { kind: 'leaders', of: chance.pick(['topics', 'coordinators']), shift: chance.pick([1, 2]), forMs: 3_000 }
}

const CLOCK_STEP_MS = [2_000, 150_000] as const

/** As many short steps as long steps, forward or back. */
function clockFault(chance: Chance, { instances }: FaultOptions): Unplaced {
  const [least, most] = CLOCK_STEP_MS
  const byMs = Math.round(least * (most / least) ** chance.draw()) * chance.pick([1, -1])
  return {
    ...{ kind: 'clock', service: chance.pick(SERVICES), instance: chance.between(0, instances - 1), byMs },
    returns: chance.happens(0.7),
    forMs: chance.between(3_000, 20_000),
  }
}

function targetFault(chance: Chance, { tenants }: FaultOptions): Unplaced {
  const kind = chance.weighted({
    latency: 3,
    429: 2,
    500: 2,
    503: 2,
    reset: 2,
    'reply-lost': 3,
    hang: 1,
    late: 2,
  })
  const target = chance.pick(['flow', 'omnium'] as const)
  const scope = chance.happens(0.7) ? { tenant: chance.pick(tenants) } : {}
  const lost = kind === 'reply-lost' || kind === 'late' || kind === 'reset'
  const some = lost ? { skip: chance.between(0, 20), count: chance.between(1, 30) } : {}
  const status = Number(kind)
  const rule: FaultRule = Number.isNaN(status)
    ? {
        kind: kind as FaultRule['kind'],
        ...scope,
        ...some,
        ...(kind === 'latency' && { latencyMs: chance.between(50, 3_000) }),
        ...(kind === 'late' && { delayMs: chance.between(500, 12_000) }),
      }
    : { kind: 'status', status, ...scope, ...(status === 429 && { retryAfterSeconds: chance.between(1, 5) }) }
  return { kind: 'target', target, rule, forMs: chance.between(1_000, 12_000) }
}

/** A target that fails in some of the requests, drawn at random. */
function brownout(chance: Chance, { tenants }: FaultOptions): Unplaced {
  const failure = chance.pick([
    { kind: 'status', status: 500 },
    { kind: 'reset' },
    { kind: 'hang' },
    { kind: 'reply-lost' },
  ] as const)
  const share = { chance: chance.pick([0.2, 0.4]), seed: chance.between(0, 1_000_000) }
  const rule: FaultRule = { ...failure, ...share, tenant: chance.pick(tenants) }
  return {
    kind: 'target',
    target: chance.pick(['flow', 'omnium'] as const),
    rule,
    forMs: chance.between(5_000, 20_000),
  }
}

/** A fault of a gateway, a proxy or the transport. No record may be skipped or parked because of such a fault. */
function answerFault(chance: Chance, { tenants }: FaultOptions): Unplaced {
  const target = chance.pick(['flow', 'omnium'] as const)
  const kind = chance.weighted({ gateway: 6, 'other-id': 2, 'answer-cut': 2, 'answer-body': 2, 'keep-alive-race': 1 })
  const scope = chance.happens(0.8) ? { tenant: chance.pick(tenants) } : {}
  const some = { skip: chance.between(0, 20), count: chance.between(1, 2) }
  const forMs = chance.between(1_000, 12_000)
  const rules: Readonly<Record<typeof kind, FaultRule>> = {
    gateway: { kind: 'gateway', ...scope, ...chance.pick(GATEWAY_ANSWERS), ...chance.pick(GATEWAY_REQUESTS[target]) },
    'other-id': { kind: 'other-id', ...scope, ...some },
    'answer-cut': { kind: 'answer-cut', ...scope, reset: chance.happens(0.5), ...some },
    'answer-body': {
      kind: 'answer-body',
      ...scope,
      ...chance.pick([{ corrupt: true, encoding: 'gzip' }, { empty: true }]),
    },
    'keep-alive-race': { kind: 'keep-alive-race', ...scope, chance: 0.2, seed: chance.between(0, 1_000_000) },
  }
  return { kind: 'target', target, rule: rules[kind], forMs }
}

const MODE_FAULTS = [
  { kind: 'role', target: 'flow' },
  { kind: 'role', target: 'omnium' },
  { kind: 'tokens', target: 'omnium' },
] as const
const GATEWAY_ANSWERS = [
  { status: 404, answer: 'json' },
  { status: 404, answer: 'html' },
  { status: 502, answer: 'html' },
  { status: 200, answer: 'html' },
] as const
/** Of all requests, of one kind of reads, of the writes, below one path, and where a path has an encoded `+` or `/`. */
const GATEWAY_REQUESTS: Readonly<Record<'flow' | 'omnium', readonly Partial<FaultRule>[]>> = {
  flow: [
    ...[{}, { requests: 'by-id-read' as const, of: 'customer' as const }, { requests: 'writes' as const }],
    ...[{ path: '*/customers*' }, { rawPath: ['%2B', '%2F'] }],
  ],
  omnium: [
    ...(['private-customer', 'business-customer'] as const).map((of) => ({ requests: 'by-id-read' as const, of })),
    ...[{}, { requests: 'writes' as const }, { path: '/api/PrivateCustomers*' }, { rawPath: ['%2B', '%2F'] }],
  ],
}
