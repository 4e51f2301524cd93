import { outcomeOf } from '../failure-outcome.ts'
import { type Outcome, park, retry } from '../outcome.ts'
import type { Classified, Delivery, StreamHandler } from '../stream.ts'
import type { Tenant, Tenants } from '../tenants.ts'
import { bytesOf } from './packed.ts'
import type { Pending } from './pending.ts'
import type { ContractTopic } from './topics.ts'

export interface ClassifierOptions {
  readonly handler: StreamHandler
  /** Throws SyncError `contract-violation` or `registry-unavailable`. */
  readonly decode: (topic: ContractTopic, bytes: Buffer) => Promise<unknown>
  readonly tenants: () => Tenants
  /** ms since the epoch. */
  readonly wallNow: () => number
}

export interface Classifier {
  /**
   * Reads a record and asks the handler's `classify` about the record. Returns an outcome for a record that cannot be read now or
   * ever. Returns `bug` with the error that `classify` threw, or with an error that says why `classify` answered wrongly. Throws
   * SyncError `fenced`, `aborted`.
   */
  classify(record: Pending): Promise<Classified | Outcome | { readonly bug: unknown }>
  /** The form in which the handler gets a record that was read. */
  deliveryOf(record: Pending, tenant: Tenant, repair: boolean, traceparent?: string): Delivery
}

const UNKNOWN_TENANT_MS = 10_000
const UNKNOWN_TENANT_RETRY_MS = 1_000

export function createClassifier({ handler, decode, tenants, wallNow }: ClassifierOptions): Classifier {
  const deliveryOf: Classifier['deliveryOf'] = (record, tenant, repair, traceparent = record.traceparent) =>
    ({
      topic: record.topic,
      origin: { topic: record.topic, partition: record.origin.partition, offset: BigInt(record.origin.offset) },
      key: record.key,
      tenant,
      id: record.id,
      value: record.decoded?.value ?? null,
      lane: record.mark?.why ?? null,
      repair,
      attempts: record.attempts,
      firstSeenAt: record.firstSeenAt ?? wallNow(),
      traceparent,
    }) as Delivery

  return {
    deliveryOf,
    async classify(record) {
      if (record.topic === null || record.tenant === '') {
        const what =
          record.topic === null
            ? 'a retry lane record that names no topic of this service'
            : 'a key that is not tenant:id'
        return park('contract-violation', `reading a record: ${what}`)
      }
      const tenant = tenants().get(record.tenant)
      if (tenant === undefined) {
        // Another process may have read the file before us.
        if (wallNow() - (record.firstSeenAt ?? wallNow()) < UNKNOWN_TENANT_MS)
          return retry('unknown-tenant', UNKNOWN_TENANT_RETRY_MS)
        return park('unknown-tenant', 'reading a record: its tenant is not in TENANTS_FILE')
      }
      try {
        if (record.decoded === null) {
          const bytes = bytesOf(record.packed.value)
          record.decoded = { value: bytes === null ? null : await decode(record.topic, bytes) }
        }
      } catch (error) {
        const outcome = outcomeOf(error)
        if (outcome === null) throw error
        return outcome
      }
      const { tenant: named } = (record.decoded.value ?? {}) as { tenant?: unknown }
      if (typeof named === 'string' && named !== record.tenant) {
        return park('contract-violation', 'reading a record: its key and its value name different tenants')
      }
      try {
        const classified = handler.classify(deliveryOf(record, tenant, false))
        if (!isClassified(classified)) return { bug: new TypeError('classify answered what no plan can be made of') }
        // It has to look when it is due, after the late write that it is there for: a newer record that ends before must
        // not end it too.
        return record.mark?.why === 'verify' && 'group' in classified ? { ...classified, group: null } : classified
      } catch (bug) {
        return { bug }
      }
    },
  }
}

/** A plan compares versions and groups. A wrong version or group would fail the plan for the other records of the key. */
const isClassified = (answer: Classified): boolean =>
  'end' in answer ||
  (typeof answer.version === 'string' &&
    (answer.group === null || typeof answer.group === 'string') &&
    Array.isArray(answer.targets))
