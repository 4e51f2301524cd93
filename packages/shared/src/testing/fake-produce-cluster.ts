import { createRequire } from 'node:module'
import type { PartitionAnswer, ProduceCluster, TopicLeaders } from '../kafka/produce-cluster.ts'
import type { ProduceRequest } from '../kafka/produce-request.ts'
import { createPartitionLog } from './partition-logs.ts'

const { createErrorFromCode } = createRequire(import.meta.url)('kafkajs/src/protocol/error.js') as {
  createErrorFromCode(code: number): Error
}
export const ERRORS = {
  unknownTopic: 3,
  notLeader: 6,
  timedOut: 7,
  tooLarge: 10,
  loading: 14,
  notEnoughReplicas: 19,
  notAuthorized: 29,
} as const
export const errorOf = (code: number): Error => createErrorFromCode(code)

/** Requests that have left the process and that the broker has not read. */
interface Connection {
  isOpen: boolean
  readonly unread: { readonly request: ProduceRequest; answer(answers: PartitionAnswer[] | Error): void }[]
}
interface FakeBroker {
  isHung: boolean
  /** Requests wait in the client, before they leave. */
  isBusy: boolean
  readonly waiting: (() => void)[]
  readonly connections: Connection[]
}

/**
 * A cluster in which brokers hang. A broker that hangs reads nothing. Later the broker reads its connections in any order, also
 * connections that were closed meanwhile, because an operating system may do so. Leaders share one log for each partition.
 */
export function createFakeProduceCluster(topics: Readonly<Record<string, TopicLeaders>>) {
  const leaders = new Map<string, TopicLeaders>(Object.entries(topics))
  const logs = new Map<string, ReturnType<typeof createPartitionLog>>()
  const brokers = new Map<number, FakeBroker>()
  let producerIds = 0n

  const broker = (nodeId: number): FakeBroker => {
    const known = brokers.get(nodeId)
    if (known !== undefined) return known
    const made: FakeBroker = { isHung: false, isBusy: false, waiting: [], connections: [] }
    brokers.set(nodeId, made)
    return made
  }
  const connection = (nodeId: number): Connection => {
    const { connections } = broker(nodeId)
    const open = connections.find(({ isOpen }) => isOpen)
    if (open !== undefined) return open
    const made: Connection = { isOpen: true, unread: [] }
    connections.push(made)
    return made
  }
  const log = (topic: string, partition: number) => {
    const name = `${topic}/${partition}`
    const made = logs.get(name) ?? createPartitionLog()
    logs.set(name, made)
    return made
  }
  const append = (nodeId: number, { producerId, epoch, batches }: ProduceRequest): PartitionAnswer[] =>
    batches.map(({ topic, partition, firstSequence, records }) => {
      const of = leaders.get(topic)
      const values = records.map(({ value }) => String(value))
      const code = fake.refusal(topic, values)
      const isLeader = Array.isArray(of) && of[partition] === nodeId
      const appended =
        isLeader && (code === 0 || fake.refusesAfterAppend)
          ? log(topic, partition).append({ producerId, epoch, firstSequence, values })
          : 0
      const answer = isLeader ? code || appended : ERRORS.notLeader
      return { topic, partition, error: answer === 0 ? null : errorOf(answer) }
    })

  const cluster: ProduceCluster = {
    async connect() {},
    async disconnect() {},
    async newProducerId() {
      const problem = fake.idProblems.shift()
      if (problem !== undefined) throw problem
      return ++producerIds
    },
    async leadersOf(asked) {
      fake.lookups++
      await fake.metadata
      return new Map(asked.map((topic) => [topic, leaders.get(topic) ?? errorOf(ERRORS.unknownTopic)]))
    },
    async produce(nodeId, leave) {
      const to = broker(nodeId)
      if (to.isBusy) await new Promise<void>((resolve) => to.waiting.push(resolve))
      const request = leave()
      if (request === null) throw new Error('nothing is left to send')
      fake.onLeave(request)
      fake.requests.push({ nodeId, request })
      const { promise, resolve, reject } = Promise.withResolvers<PartitionAnswer[]>()
      const answer = (answers: PartitionAnswer[] | Error) =>
        answers instanceof Error ? reject(answers) : resolve(answers)
      const via = connection(nodeId)
      via.unread.push({ request, answer })
      if (!to.isHung) fake.read(nodeId, to.connections.indexOf(via))
      return promise
    },
    drop: (nodeId) => fake.breakConnection(nodeId),
  }

  const fake = {
    cluster,
    leaders,
    requests: [] as { readonly nodeId: number; readonly request: ProduceRequest }[],
    lookups: 0,
    /** The errors with which the next requests for a producer id fail. */
    idProblems: [] as Error[],
    /** Answers about leaders wait for it. */
    metadata: Promise.resolve(),
    onLeave: (_request: ProduceRequest): void => {},
    /** Returns the error code of a batch that the leader does not take, or 0. */
    refusal: (_topic: string, _values: readonly string[]): number => 0,
    /** The leader appends the batch first, as a leader that then waits for its followers. */
    refusesAfterAppend: false,
    values: (topic: string, partition = 0): readonly string[] => log(topic, partition).values,
    broker,
    goOn(nodeId: number) {
      const of = broker(nodeId)
      of.isHung = false
      for (const index of of.connections.keys()) while (fake.read(nodeId, index));
    },
    stopBeingBusy(nodeId: number) {
      const of = broker(nodeId)
      of.isBusy = false
      for (const go of of.waiting.splice(0)) go()
    },
    /** Lets the broker read one request of a connection. Returns false if there is none. */
    read(nodeId: number, index: number): boolean {
      const from = broker(nodeId).connections[index]
      const next = from?.unread.shift()
      if (from === undefined || next === undefined) return false
      const answers = append(nodeId, next.request)
      if (from.isOpen) next.answer(answers)
      return true
    },
    /** The broker still reads the requests that have left. */
    breakConnection(nodeId: number) {
      const open = broker(nodeId).connections.find(({ isOpen }) => isOpen)
      if (open === undefined) return
      open.isOpen = false
      for (const { answer } of open.unread) answer(new Error('Closed connection'))
    },
  }
  return fake
}
export type FakeProduceCluster = ReturnType<typeof createFakeProduceCluster>
