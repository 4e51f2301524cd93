import type { ValueOf } from '../contracts/contracts.ts'
import { SyncError } from '../errors.ts'
import type { Fence } from '../http/call.ts'
import type { LaneWhy } from '../stream.ts'
import type { Span, Tracer } from '../tracing.ts'
import type { RawMessage } from './ports.ts'
import type { BatchedProducer } from './producer.ts'
import { laneMessage } from './retry-lane.ts'
import { type ContractTopic, retryTopicOf, type ServiceName } from './topics.ts'

/** One record to write; `value: null` is a tombstone. The headers event-id, source, occurred-at and traceparent are added. */
export interface Message<T extends ContractTopic> {
  readonly key: string
  readonly value: ValueOf<T> | null
  readonly traceparent?: string
}

/**
 * Writes records with acks=all; resolves once the broker acknowledged all of them, in the order of a key's calls.
 * The implementer batches concurrent calls, encodes by the topic's contract, and asks `fence` right before the produce.
 * Throws SyncError `kafka-unavailable` (within its deadline), `registry-unavailable`, `contract-violation` or `fenced`.
 */
export interface Publisher {
  publish<T extends ContractTopic>(topic: T, messages: readonly Message<T>[], fence?: Fence): Promise<void>
  /** Writes a record for another service to the retry topic of that service, as if it had come from `topic`. */
  handOn<T extends ContractTopic>(to: ServiceName, topic: T, message: HandedOn<T>, fence?: Fence): Promise<void>
}

/** A record that one service makes for another one. Times are ms since the epoch. */
export interface HandedOn<T extends ContractTopic> extends Message<T> {
  readonly why: LaneWhy
  /** Where the record that caused this one stood; all topics of a key share its partition. */
  readonly partition: number
  readonly offset: bigint
  readonly reason: string
  readonly notBefore: number
}

/**
 * Keeps the offsets of records that were never on their topic apart from the offsets of records that were: a dead letter is
 * identified by topic, partition and offset.
 */
const HANDED_ON_FROM = 2 ** 52

/** The key of a tenant's record, as in the topic table. */
export const keyOf = (tenant: string, id: string): string => `${tenant}:${id}`

export interface PublisherOptions {
  readonly producer: Pick<BatchedProducer, 'send'>
  readonly encode: <T extends ContractTopic>(topic: T, value: ValueOf<T>) => Promise<Buffer>
  readonly prefix: string
  /** Written as the header `source`: the service. */
  readonly source: string
  readonly newEventId: () => string
  readonly newTraceparent: () => string
  readonly tracer?: Tracer
  readonly now: () => number
}

/** Values by contract on top of the raw producer. */
export function createPublisher(options: PublisherOptions): Publisher {
  const { producer, encode, prefix, source, newEventId, newTraceparent, tracer, now } = options
  const toRaw = async <T extends ContractTopic>(
    topic: T,
    { key, value, traceparent }: Message<T>,
    span: Span | undefined,
  ): Promise<RawMessage> => ({
    topic: prefix + topic,
    key,
    value: value === null ? null : await encode(topic, value),
    headers: {
      'event-id': newEventId(),
      source,
      'occurred-at': new Date(now()).toISOString(),
      traceparent: span?.traceparent ?? traceparent ?? newTraceparent(),
    },
  })
  /** Outcomes tell of what the other spans have told already. */
  const spanOf = <T extends ContractTopic>(topic: T, { traceparent }: Message<T>) =>
    topic === 'sync.outcomes.v1'
      ? undefined
      : tracer?.start(`send ${topic}`, {
          kind: 'producer',
          parent: traceparent,
          attributes: {
            'messaging.system': 'kafka',
            'messaging.operation.type': 'send',
            'messaging.destination.name': prefix + topic,
          },
        })
  return {
    async handOn(to, topic, { why, partition, offset, reason, notBefore, ...message }, fence) {
      const { key, value, headers } = await toRaw(topic, message, undefined)
      const original = { key: key === null ? null : Buffer.from(key), value, headers }
      const place = Number(offset)
      // The cause may be such a record itself.
      const origin = {
        topic: prefix + topic,
        partition,
        offset: place < HANDED_ON_FROM ? HANDED_ON_FROM + place : place,
      }
      const mark = { why, origin, reason, notBefore, attempts: 0, firstSeenAt: now(), passes: 0, redrives: 0 }
      await producer.send([laneMessage(prefix + retryTopicOf(to), original, mark)], fence)
    },
    async publish(topic, messages, fence) {
      const spans = messages.map((message) => spanOf(topic, message))
      try {
        await producer.send(
          await Promise.all(messages.map((message, index) => toRaw(topic, message, spans[index]))),
          fence,
        )
        for (const span of spans) span?.end()
      } catch (error) {
        for (const span of spans) span?.end(error instanceof SyncError ? error.code : 'failed')
        throw error
      }
    },
  }
}
