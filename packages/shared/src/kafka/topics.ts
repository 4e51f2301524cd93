/** Every topic of the system: the single source for `syncctl topics`, the services and the documents. */
export const SERVICES = ['flow-ingest', 'omnium-ingest', 'customer-mapper', 'relation-manager'] as const
export type ServiceName = (typeof SERVICES)[number]

/** Topics whose values have a contract, by their name without TOPIC_PREFIX. */
export const CONTRACT_TOPICS = [
  'flow.notifications.v1',
  'flow.customers.v1',
  'flow.orders.v1',
  'omnium.notifications.v1',
  'omnium.orders.v1',
  'omnium.customers.v1',
  'company.parent-changes.v1',
  'sync.outcomes.v1',
  'sync.cursors.v1',
] as const
export type ContractTopic = (typeof CONTRACT_TOPICS)[number]
export const isContractTopic = (topic: string): topic is ContractTopic =>
  (CONTRACT_TOPICS as readonly string[]).includes(topic)
export type RetryTopic = `${ServiceName}.retry.v1`
export type DeadLetterTopic = `${ServiceName}.dead-letters.v1`
export type TopicName = ContractTopic | RetryTopic | DeadLetterTopic

export const retryTopicOf = (service: ServiceName): RetryTopic => `${service}.retry.v1`
export const deadLetterTopicOf = (service: ServiceName): DeadLetterTopic => `${service}.dead-letters.v1`

export interface TopicSpec {
  readonly name: TopicName
  /** What the record key is made of; the tenant always comes first, so a tenant's records are told apart by key alone. */
  readonly key: string
  readonly value: string
  readonly writers: readonly string[]
  readonly readers: readonly string[]
  /** Services that read it outside of their group, to know what they have written. */
  readonly lookedUpBy?: readonly ServiceName[]
  /** Kafka topic configuration, without what `syncctl topics apply` derives from the cluster. */
  readonly config: Readonly<Record<string, string>>
}

const DAY_MS = 86_400_000
const days = (n: number) => String(n * DAY_MS)
const deleteAfter = (n: number) => ({ 'cleanup.policy': 'delete', 'retention.ms': days(n) })
const compact = (minLagDays: number) => ({ 'cleanup.policy': 'compact', 'min.compaction.lag.ms': days(minLagDays) })
/** A compacted topic that forgets erased data within a bound; source: design/6-identity.md, "Erasure". */
const compactWithin = (minLagDays: number, maxLagDays: number) => ({
  ...compact(minLagDays),
  'max.compaction.lag.ms': days(maxLagDays),
  'delete.retention.ms': days(1),
  'segment.ms': days(1),
})
/** A record near the size limit still fits with the headers that the lane and the dead letter add. */
const roomForHeaders = { 'max.message.bytes': String(2 * 1_048_588) }

export const TOPICS: readonly TopicSpec[] = [
  {
    name: 'flow.notifications.v1',
    key: 'tenant:customerUid, for orders tenant:orderUid',
    value: 'the webhook, or "found by sweep"',
    writers: ['flow-ingest', 'syncctl'],
    readers: ['flow-ingest'],
    config: deleteAfter(7),
  },
  {
    name: 'flow.customers.v1',
    key: 'tenant:customerUid',
    value: 'full Flow customer in an envelope',
    writers: ['flow-ingest', 'syncctl'],
    readers: ['customer-mapper'],
    lookedUpBy: ['flow-ingest'],
    config: compactWithin(7, 8),
  },
  {
    name: 'flow.orders.v1',
    key: 'tenant:customerUid, without one tenant:orderUid',
    value: 'full Flow order in an envelope',
    writers: ['flow-ingest'],
    readers: [],
    lookedUpBy: ['flow-ingest'],
    config: deleteAfter(30),
  },
  {
    name: 'omnium.notifications.v1',
    key: 'tenant:objectId',
    value: 'the event, or "found by sweep"',
    writers: ['omnium-ingest', 'syncctl'],
    readers: ['omnium-ingest'],
    config: deleteAfter(7),
  },
  {
    name: 'omnium.orders.v1',
    key: 'tenant:customerId, without one tenant:orderId',
    value: 'full Omnium order in an envelope',
    writers: ['omnium-ingest'],
    readers: ['customer-mapper'],
    lookedUpBy: ['omnium-ingest'],
    config: deleteAfter(30),
  },
  {
    name: 'omnium.customers.v1',
    key: 'tenant:customerId',
    value: 'full Omnium customer in an envelope',
    writers: ['omnium-ingest', 'syncctl'],
    readers: ['customer-mapper'],
    lookedUpBy: ['omnium-ingest'],
    config: compactWithin(7, 8),
  },
  {
    name: 'company.parent-changes.v1',
    key: 'tenant:companyUid',
    value: 'parent-observed, child-changed, element-removed',
    writers: ['customer-mapper', 'relation-manager', 'syncctl'],
    readers: ['relation-manager'],
    config: deleteAfter(30),
  },
  {
    name: 'sync.outcomes.v1',
    key: 'tenant:customerUid',
    value: 'what became of a record: outcome, reason, changed field names (never values), versions, duration',
    writers: [...SERVICES],
    readers: [],
    config: deleteAfter(30),
  },
  {
    name: 'sync.cursors.v1',
    key: 'tenant:source:entity',
    value: 'high-water mark of a sweep, state of an absence guard, or state of a target as one process sees the target',
    writers: [...SERVICES, 'syncctl'],
    readers: [...SERVICES],
    config: compact(0),
  },
  ...SERVICES.map(
    (service): TopicSpec => ({
      name: retryTopicOf(service),
      key: "the record's key",
      value: 'records to be handled again out of their place: the original bytes, headers and origin, and why',
      writers: [service, ...(service === 'customer-mapper' ? ['relation-manager'] : []), 'syncctl'],
      readers: [service],
      config: { ...deleteAfter(30), ...roomForHeaders },
    }),
  ),
  ...SERVICES.map(
    (service): TopicSpec => ({
      name: deadLetterTopicOf(service),
      key: "the record's key",
      value: 'the original bytes and headers, untouched, plus dl-* headers',
      writers: [service, 'syncctl'],
      readers: [],
      config: { ...deleteAfter(90), ...roomForHeaders },
    }),
  ),
]

/** Partitions of every topic unless `syncctl topics apply --partitions` says otherwise. All topics have the same number. */
export const DEFAULT_PARTITIONS = 12
