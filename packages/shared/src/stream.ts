import type { ValueOf } from './contracts/contracts.ts'
import type { Target } from './errors.ts'
import type { Call } from './http/call.ts'
import type { ContractTopic, ServiceName } from './kafka/topics.ts'
import type { Outcome } from './outcome.ts'
import type { Tenant } from './tenants.ts'

/**
 * Why a record stands in the retry topic: out of its place, so a reason to look again and not data to trust. `re-read`: another
 * service has written the whole customer, so that an effect of this service may be undone.
 */
export type LaneWhy = 'deferred' | 'redriven' | 'replayed' | 'verify' | 're-read'

/** Where a record first stood; its identity through retries, deferrals, parking and redriving. */
export interface Origin<T extends ContractTopic = ContractTopic> {
  readonly topic: T
  readonly partition: number
  readonly offset: bigint
}

interface DeliveryIn<T extends ContractTopic> {
  readonly topic: T
  readonly origin: Origin<T>
  /** `tenant:id`, as in the topic table. */
  readonly key: string
  readonly tenant: Tenant
  /** The key without its tenant. */
  readonly id: string
  /** null: a tombstone. */
  readonly value: ValueOf<T> | null
  readonly lane: LaneWhy | null
  /** This record, or one that it supersedes, was made by a repair. */
  readonly repair: boolean
  /** Failed attempts before this one. */
  readonly attempts: number
  /** When this service first handled the record, by `now` of the context, kept through deferrals. Waits are bounded from here. */
  readonly firstSeenAt: number
  readonly traceparent: string | undefined
}

/** One record as a handler sees it; switch on `topic` for the value's type. */
export type Delivery<T extends ContractTopic = ContractTopic> = { [K in T]: DeliveryIn<K> }[T]

/**
 * What a handler says of a record before anything is fetched; a pure function.
 * - `end`: nothing to do (an echo, a tombstone); `endsOlder`: nor for what stands before it, under its key, on its topic of
 *   origin, which ends with it
 * - `group`: records with the same group are the same kind of state; the newest by `version`, then by offset, supersedes
 *   the others. null: never superseded. Groups never span topics of origin.
 * - `targets`: whose circuits have to be closed for it
 */
export type Classified =
  | { readonly end: Outcome; readonly endsOlder?: true }
  | {
      readonly group: string | null
      readonly version: string
      readonly targets: readonly Target[]
      readonly repair?: boolean
    }

/** The means for one key's handling. `call` goes into every request and produce. */
export interface HandlerContext {
  readonly call: Call
  /** ms since the epoch. Goes on evenly during the call, also when the wall clock steps. */
  readonly now: () => number
}

/**
 * One service's work: pure classification and an effectful `handle`. `handle` gets the surviving records of one key that
 * are due, oldest first, and answers with one outcome each, in the same order; what it throws counts for all of them.
 */
export interface StreamHandler<T extends ContractTopic = ContractTopic> {
  readonly service: ServiceName
  readonly topics: readonly T[]
  classify(delivery: Delivery<T>): Classified
  handle(deliveries: readonly Delivery<T>[], context: HandlerContext): Promise<readonly Outcome[]>
}
