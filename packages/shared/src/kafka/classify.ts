import { TARGETS } from '../errors.ts'
import { outcomeOf } from '../failure-outcome.ts'
import { isOutcome, type Outcome, park, retry } from '../outcome.ts'
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
  /** The classifier counts here the memory that the decoded values take. */
  readonly memory?: { decodedBytes: number }
  /** The clock of `dueAt`. */
  readonly now: () => number
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
  /** The kept classification. null if there is none, or if the last classification failed and the record is due again. */
  knownOf(record: Pending, tenant: Tenant | undefined): NonNullable<Pending['classified']>['as'] | null
  /** Decodes the value of a record that was classified. Returns null, or an outcome if the value cannot be decoded now or ever. */
  decode(record: Pending): Promise<Outcome | null>
  /** Forgets the decoded value. */
  forget(record: Pending): void
  /** The form in which the handler gets a record that was read. */
  deliveryOf(record: Pending, tenant: Tenant, repair: boolean, traceparent?: string): Delivery
}

const UNKNOWN_TENANT_MS = 10_000
const UNKNOWN_TENANT_RETRY_MS = 1_000

/** A decoded value takes some times the memory of its bytes. */
const DECODED_TIMES = 4
const decodedBytesOf = ({ packed }: Pending) => DECODED_TIMES * (packed.value?.length ?? 0)

export function createClassifier(options: ClassifierOptions): Classifier {
  const { handler, tenants, now, wallNow, memory = { decodedBytes: 0 } } = options
  /** ms since this service first handled the record. */
  const ageOf = ({ firstSeenAt }: Pending) => (firstSeenAt === null ? 0 : now() - firstSeenAt)
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
      firstSeenAt: wallNow() - ageOf(record),
      traceparent,
    }) as Delivery

  const decode: Classifier['decode'] = async (record) => {
    if (record.decoded !== null || record.topic === null) return null
    try {
      const bytes = bytesOf(record.packed.value)
      record.decoded = { value: bytes === null ? null : await options.decode(record.topic, bytes) }
    } catch (error) {
      const outcome = outcomeOf(error)
      if (outcome === null) throw error
      return outcome
    }
    memory.decodedBytes += decodedBytesOf(record)
    return null
  }

  return {
    deliveryOf,
    knownOf({ classified, dueAt }, tenant) {
      if (classified === null || classified.tenant !== tenant) return null
      return typeof classified.as === 'string' && dueAt <= now() ? null : classified.as
    },
    decode,
    forget(record) {
      if (record.decoded === null) return
      record.decoded = null
      memory.decodedBytes -= decodedBytesOf(record)
    },
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
        if (ageOf(record) < UNKNOWN_TENANT_MS) return retry('unknown-tenant', UNKNOWN_TENANT_RETRY_MS)
        return park('unknown-tenant', 'reading a record: its tenant is not in TENANTS_FILE')
      }
      const unreadable = await decode(record)
      if (unreadable !== null) return unreadable
      const { tenant: named } = (record.decoded?.value ?? {}) as { tenant?: unknown }
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
  'end' in answer
    ? isOutcome(answer.end) && answer.end.kind !== 'retry'
    : typeof answer.version === 'string' &&
      (answer.group === null || typeof answer.group === 'string') &&
      Array.isArray(answer.targets) &&
      answer.targets.every((target) => TARGETS.includes(target))
