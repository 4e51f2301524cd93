import type { FaultRule } from '@sync/sandbox/fault-rule'
import { SERVICES, type ServiceName } from '@sync/shared/kafka/topics'
import { type Chance, createChance } from './chance.ts'

/** `forMs`: how long it lasts. Instances count from 0; one past the number that are there at the start is added. */
export type Fault = { readonly atMs: number; readonly forMs: number } & (
  | { readonly kind: 'kill' | 'freeze' | 'stop' | 'add'; readonly service: ServiceName; readonly instance: number }
  | { readonly kind: 'broker'; readonly signal: 'SIGTERM' | 'SIGKILL' }
  | { readonly kind: 'registry' }
  | { readonly kind: 'target'; readonly target: 'flow' | 'omnium'; readonly rule: FaultRule }
  /** Shares of the webhooks that are lost, come twice, or come late. */
  | { readonly kind: 'webhooks'; readonly drop: number; readonly duplicate: number; readonly reorder: number }
)

export interface FaultOptions {
  readonly seed: number
  readonly instances: number
  readonly tenants: readonly string[]
  readonly durationMs: number
  readonly sessionTimeoutMs: number
  /** Broker and registry can be taken down. */
  readonly ownsStack: boolean
}

const QUIET_AT_START_MS = 3_000

/** Faults of all kinds in the time of the workload, each over before its end: the same options, the same schedule. */
export function planFaults(options: FaultOptions): Fault[] {
  const { durationMs, ownsStack } = options
  const faults: Fault[] = [
    ...series(options, 'processes', [3_000, 9_000], processFault),
    ...series(options, 'targets', [4_000, 10_000], targetFault),
    ...series(options, 'webhooks', [5_000, 15_000], (chance) => ({
      kind: 'webhooks',
      forMs: chance.between(2_000, 12_000),
      drop: chance.pick([0, 0.1, 0.3]),
      duplicate: chance.pick([0, 0.2]),
      reorder: chance.pick([0, 0.2]),
    })),
    ...(ownsStack
      ? [
          ...series(options, 'broker', [30_000, 70_000], (chance) => ({
            kind: 'broker',
            signal: chance.pick(['SIGTERM', 'SIGKILL']),
            forMs: chance.between(500, 8_000),
          })),
          ...series(options, 'registry', [40_000, 90_000], (chance) => ({
            kind: 'registry',
            forMs: chance.between(500, 10_000),
          })),
        ]
      : []),
  ]
  return faults.filter(({ atMs, forMs }) => atMs + forMs <= durationMs).toSorted((a, b) => a.atMs - b.atMs)
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
