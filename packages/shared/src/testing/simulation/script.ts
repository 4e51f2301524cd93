import fc from 'fast-check'
import type { SourceRecord } from '../../kafka/ports.ts'
import type { Fault, FaultyCall } from './brokers.ts'
import type { Fate, Poison, Try } from './records.ts'
import { PARTITIONS, PLACES, TOPICS, type World } from './world.ts'

interface Arrival {
  readonly do: 'arrive'
  readonly topic: (typeof TOPICS)[number]
  readonly tenant: string
  readonly key: number
  readonly count: number
  readonly group: string | null
  readonly tries: readonly Try[]
  readonly always: Try
  readonly kind: 'fine' | 'echo' | 'tombstone' | Poison
  readonly gap: number
}
export type Step =
  | Arrival
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'rebalance'; readonly owners: readonly number[]; readonly isAnnounced: boolean }
  | { readonly do: 'circuit'; readonly tenant: string; readonly state: 'open' | 'half-open' | 'closed' }
  | { readonly do: 'recreate'; readonly topic: (typeof TOPICS)[number] }
  | { readonly do: 'fault'; readonly call: FaultyCall; readonly how: Fault; readonly count: number }
  | { readonly do: 'crash' | 'stop' | 'start' | 'cut' | 'heal'; readonly place: number }

/** What arrived, and whether it can't end well. */
export interface Arrived {
  readonly record: SourceRecord
  readonly isPoison: boolean
}

const POISON: readonly Poison[] = ['fails', 'refused', 'broken', 'unknown tenant', 'no tenant']
const some = <T>(maxLength: number, ...of: T[]) => fc.array(fc.constantFrom(...of), { maxLength })
/** At most two tries that count, of three. */
const tries = fc
  .tuple(
    some<Try>(2, 'unavailable', 'waits'),
    some<Try>(2, 'fails', 'unknown end'),
    some<Try>(2, 'unavailable', 'waits'),
  )
  .map((parts) => parts.flat())
const one = <T extends object>(arbitraries: { [K in keyof T]: fc.Arbitrary<T[K]> }) => fc.record(arbitraries)

export const arrival: fc.Arbitrary<Step> = fc.record({
  do: fc.constant('arrive' as const),
  topic: fc.constantFrom(...TOPICS),
  tenant: fc.constantFrom('acme', 'acme', 'bolt'),
  key: fc.nat(5),
  count: fc.constantFrom(1, 1, 1, 2, 6, 14),
  group: fc.constantFrom('customer', 'customer', null),
  tries,
  always: fc.constantFrom<Try>('ok', 'ok', 'ok', 'unchanged'),
  kind: fc.oneof(
    { weight: 6, arbitrary: fc.constant('fine' as const) },
    { weight: 1, arbitrary: fc.constantFrom('echo' as const, 'tombstone' as const) },
    { weight: 1, arbitrary: fc.constantFrom(...POISON) },
  ),
  gap: fc.constantFrom(0, 0, 0, 1, 4),
})
export const passing = (...ms: number[]): fc.Arbitrary<Step> =>
  one({ do: fc.constant('pass' as const), ms: fc.constantFrom(...ms) })
export const rebalance: fc.Arbitrary<Step> = one({
  do: fc.constant('rebalance' as const),
  owners: fc.array(fc.nat(PLACES - 1), { minLength: PARTITIONS, maxLength: PARTITIONS }),
  isAnnounced: fc.boolean(),
})
export const circuit: fc.Arbitrary<Step> = one({
  do: fc.constant('circuit' as const),
  tenant: fc.constantFrom('acme', 'bolt'),
  state: fc.constantFrom('open' as const, 'open' as const, 'half-open' as const, 'closed' as const),
})
export const fault: fc.Arbitrary<Step> = one({
  do: fc.constant('fault' as const),
  call: fc.constantFrom<FaultyCall>('commit', 'produce', 'produce', 'look-up', 'topic-ids', 'decode'),
  how: fc.constantFrom<Fault>('refused', 'answer lost'),
  count: fc.integer({ min: 1, max: 4 }),
})
export const recreation: fc.Arbitrary<Step> = one({
  do: fc.constant('recreate' as const),
  topic: fc.constantFrom(...TOPICS),
})
export const process: fc.Arbitrary<Step> = one({
  do: fc.constantFrom(
    'crash' as const,
    'stop' as const,
    'start' as const,
    'start' as const,
    'cut' as const,
    'heal' as const,
  ),
  place: fc.nat(PLACES - 1),
})

const arrive = (world: World, it: Arrival, arrived: Arrived[]) => {
  const { kind } = it
  const isPoison = (POISON as readonly string[]).includes(kind)
  for (let i = 0; i < it.count; i++) {
    const id = (it.key + (it.count > 2 ? i : 0)) % 6
    const tenant = kind === 'unknown tenant' ? 'nobody' : it.tenant
    const fate: Fate = {
      group: it.group,
      version: new Date(1_000 * arrived.length).toISOString(),
      isEcho: kind === 'echo',
      tries: it.tries,
      always: kind === 'fails' || kind === 'refused' ? kind : it.always,
    }
    const message = {
      topic: it.topic,
      partition: (id + (tenant === 'bolt' ? 1 : 0)) % PARTITIONS,
      key: kind === 'no tenant' ? 'acme' : `${tenant}:${id}`,
      value: kind === 'tombstone' ? null : Buffer.from(kind === 'broken' ? 'broken' : JSON.stringify(fate)),
      headers: {},
    }
    arrived.push({ isPoison, record: world.brokers.append(message, it.gap) })
  }
}

export async function carryOut(world: World, it: Step, arrived: Arrived[]): Promise<void> {
  switch (it.do) {
    case 'arrive':
      return arrive(world, it, arrived)
    case 'pass':
      return world.time.pass(it.ms)
    case 'rebalance':
      return world.rebalance(it.owners, it.isAnnounced)
    case 'recreate':
      return world.brokers.recreate(it.topic)
    case 'circuit':
      return world.circuits.become(it.tenant, it.state)
    case 'fault':
      return void world.brokers.faults[it.call].push(...Array<Fault>(it.count).fill(it.how))
    default:
      await world[it.do](it.place)
  }
}
