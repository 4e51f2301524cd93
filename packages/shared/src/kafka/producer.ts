import type { Kafka, Message as KafkaMessage, Producer, RecordMetadata } from 'kafkajs'
import { endInTime } from '../end-in-time.ts'
import { SyncError } from '../errors.ts'
import type { Fence } from '../http/call.ts'
import { denialOf, innermost, refusalText, topicsOf } from './denials.ts'
import { createPartitioner } from './partition-of.ts'
import type { HeaderValue, RawHeaders, RawMessage } from './ports.ts'

/** Writes raw records with acks=all: batched, fenced, each call resolved by the broker's acknowledgement of its records. */
export interface BatchedProducer {
  connect(): Promise<void>
  /** Throws SyncError `kafka-unavailable` or `fenced`. `fence` is asked right before the records leave. */
  send(messages: readonly RawMessage[], fence?: Fence): Promise<void>
  /** False from a failed write to the next one that is acknowledged. */
  isHealthy(): boolean
  /** Why the last write failed, in one line; null once one is acknowledged. */
  problem(): string | null
  disconnect(): Promise<void>
}

export interface ProducerOptions {
  /** Its client must not retry requests by itself: a retry would go out behind the fence. */
  readonly kafka: Kafka
  /** From the records' leaving to their acknowledgement; a call waits for its leaving 40 % of that more at most. */
  readonly deadlineMs: number
  /** Calls that wait at once; past it a call fails at once rather than fill the memory. */
  readonly maxQueued?: number
  readonly now?: () => number
  /** Told of each produce request's end. */
  readonly observe?: (result: WriteResult, seconds: number) => void
}

export type WriteResult = 'acknowledged' | 'refused' | 'failed'

interface Call {
  readonly messages: readonly RawMessage[]
  readonly fence: Fence | undefined
  readonly expiresAt: number
  resolve(): void
  reject(error: SyncError): void
}

const MAX_BATCH_RECORDS = 500
const MAX_BATCH_BYTES = 512 * 1024
const MAX_CONCURRENT = 2
/** Whoever waited for what is still on its way has given up by now. */
const DISCONNECT_WITHIN_MS = 1_000
/** Of the deadline: whoever waited for a broker that hangs would else wait for it twice. */
const PATIENCE_TO_LEAVE = 0.4

/**
 * What arrives while a produce is under way leaves with the next one: no waiting when idle, large batches under load.
 * The records of one key keep their order as long as its caller waits for one call before the next.
 */
export function createProducer(options: ProducerOptions): BatchedProducer {
  const { kafka, deadlineMs, maxQueued = 20_000, now = Date.now, observe } = options
  const producer: Producer = kafka.producer({
    createPartitioner,
    allowAutoTopicCreation: false,
    retry: { retries: 0 },
  })
  const queue: Call[] = []
  let underWay = 0
  let scheduled = false
  let closing = false
  let healthy = true
  let problem: string | null = null

  const nextBatch = (): Call[] => {
    const batch: Call[] = []
    let records = 0
    let bytes = 0
    while (queue.length > 0 && records < MAX_BATCH_RECORDS && bytes < MAX_BATCH_BYTES) {
      const call = queue.shift()!
      const refused = refusal(call)
      if (refused !== null) {
        call.reject(refused)
        continue
      }
      batch.push(call)
      records += call.messages.length
      for (const { value } of call.messages) bytes += value?.length ?? 0
    }
    return batch
  }

  const refusal = ({ fence, expiresAt }: Call): SyncError | null => {
    if (now() >= expiresAt) return unavailable('waiting for the broker: deadline exceeded')
    try {
      fence?.()
      return null
    } catch (error) {
      return error instanceof SyncError ? error : new SyncError('fenced', 'asking the fence failed', { cause: error })
    }
  }

  const sendBatch = async (batch: readonly Call[]) => {
    const byTopic = new Map<string, KafkaMessage[]>()
    for (const { messages } of batch) {
      for (const { topic, key, value, headers, partition } of messages) {
        const of = byTopic.get(topic) ?? []
        of.push({ key, value, headers: writable(headers), ...(partition !== undefined && { partition }) })
        byTopic.set(topic, of)
      }
    }
    const request = producer.sendBatch({
      acks: -1,
      timeout: deadlineMs,
      topicMessages: [...byTopic].map(([topic, messages]) => ({ topic, messages })),
    })
    requireAcknowledged(byTopic, await withDeadline(request, deadlineMs))
  }

  /** One record that the broker refuses must not take the others of its batch with it: then they go without it. */
  const deliver = async (batch: readonly Call[]): Promise<void> => {
    const startedAt = performance.now()
    const ended = (result: WriteResult) => observe?.(result, (performance.now() - startedAt) / 1000)
    try {
      await sendBatch(batch)
      healthy = true
      problem = null
      ended('acknowledged')
      for (const call of batch) call.resolve()
    } catch (error) {
      ended(isRefusal(error) ? 'refused' : 'failed')
      if (isForbidden(error)) return withoutForbidden(batch, error)
      if (batch.length > 1 && isRefusal(error)) return eachAlone(batch)
      healthy = isRefusal(error)
      problem = textOf(error)
      for (const call of batch)
        call.reject(isRefusal(error) ? refusedRecord(error) : unavailable(`producing to kafka: ${problem}`, error))
    }
  }

  /** What is before it may have taken long, and each call has a deadline of its own. */
  const isWanted = (call: Call): boolean => {
    const refused = refusal(call)
    if (refused !== null) call.reject(refused)
    return refused === null
  }

  const eachAlone = async (batch: readonly Call[]): Promise<void> => {
    for (const call of batch) if (isWanted(call)) await deliver([call])
  }

  /**
   * A missing ACL is no fault of the record, which waits for it, nor of the broker, which takes the records of other
   * topics: those go on in one batch, however many wait for the ACL.
   */
  const withoutForbidden = async (batch: readonly Call[], error: unknown): Promise<void> => {
    const topics = topicsOf(error)
    const isIn = ({ messages }: Call) => batch.length === 1 || messages.some(({ topic }) => topics.includes(topic))
    const forbidden = batch.filter(isIn)
    if (forbidden.length === 0) return eachAlone(batch)
    healthy = true
    problem = topics.length === 0 ? textOf(error) : refusalText('WRITE', 'topic', topics)
    for (const call of forbidden) call.reject(unavailable(`producing to kafka: ${problem}`, error))
    const rest = batch.filter((call) => !isIn(call) && isWanted(call))
    if (rest.length > 0) await deliver(rest)
  }

  const flush = () => {
    scheduled = false
    while (underWay < MAX_CONCURRENT && queue.length > 0) {
      const batch = nextBatch()
      if (batch.length === 0) return
      underWay++
      void deliver(batch).finally(() => {
        underWay--
        flush()
      })
    }
  }

  return {
    connect: () => producer.connect(),
    send(messages, fence) {
      if (messages.length === 0) return Promise.resolve()
      if (closing) return Promise.reject(unavailable('producing after the producer was closed'))
      if (queue.length >= maxQueued) return Promise.reject(unavailable('producing to kafka: too many records wait'))
      return new Promise((resolve, reject) => {
        queue.push({ messages, fence, expiresAt: now() + deadlineMs * PATIENCE_TO_LEAVE, resolve, reject })
        if (scheduled) return
        scheduled = true
        setImmediate(flush)
      })
    },
    isHealthy: () => healthy,
    problem: () => problem,
    async disconnect() {
      closing = true
      await endInTime(producer.disconnect(), DISCONNECT_WITHIN_MS)
    },
  }
}

/** kafkajs leaves out records for a partition that the topic doesn't have, and says nothing. */
function requireAcknowledged(sent: ReadonlyMap<string, readonly KafkaMessage[]>, answered: readonly RecordMetadata[]) {
  const acknowledged = new Set(answered.map(({ topicName, partition }) => `${topicName}/${partition}`))
  for (const [topic, messages] of sent) {
    for (const { partition } of messages) {
      if (partition === undefined || acknowledged.has(`${topic}/${partition}`)) continue
      throw new NotAcknowledged(`partition ${partition} of ${topic} does not exist`)
    }
  }
}
class NotAcknowledged extends Error {
  override readonly name = 'NotAcknowledged'
}

/** kafkajs cannot encode a header of null: written as one without bytes. */
const writable = (headers: RawHeaders): Record<string, Buffer | string | (Buffer | string)[]> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value.map(bytesOf) : bytesOf(value)]],
    ),
  )
const bytesOf = (value: HeaderValue): Buffer | string => value ?? Buffer.alloc(0)

const unavailable = (message: string, cause?: unknown) => new SyncError('kafka-unavailable', message, { cause })

const REFUSALS: readonly unknown[] = ['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE', 'INVALID_RECORD', 'CORRUPT_MESSAGE']
const isRefusal = (error: unknown): boolean =>
  error instanceof NotAcknowledged ||
  (error instanceof Error && (REFUSALS.includes((error as { type?: unknown }).type) || isRefusal(error.cause)))

const isForbidden = (error: unknown): boolean => denialOf(error) === 'authorization'
const textOf = (error: unknown): string => (error instanceof Error ? innermost(error).message : 'failed')

const refusedRecord = (cause: unknown) =>
  new SyncError('contract-violation', 'producing to kafka: the record is refused (too large, or no such partition?)', {
    cause,
  })

async function withDeadline<V>(work: Promise<V>, deadlineMs: number): Promise<V> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('deadline exceeded')), deadlineMs)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
