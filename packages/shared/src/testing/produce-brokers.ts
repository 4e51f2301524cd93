import { once } from 'node:events'
import { createRequire } from 'node:module'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { int16, int32, int64, text } from '../kafka/wire-types.ts'
import { type AppendedBatch, createPartitionLog } from './partition-logs.ts'

/**
 * The part of some Kafka brokers that producers talk to, for tests of the client. Partition p of each topic is led by broker
 * p % brokers. A broker that hangs still accepts connections and bytes, as the operating system does for a process that is
 * stopped. When the broker goes on, it reads its newest connection first, and it also reads connections that were closed
 * meanwhile.
 */
export interface ProduceBrokers {
  /** host:port of each broker, by node id. */
  readonly addresses: readonly string[]
  /** The values in the log of a partition, in order. */
  values(topic: string, partition: number): readonly string[]
  hang(nodeId: number): void
  goOn(nodeId: number): void
  /** Resolves when a broker that hangs has got `count` Produce requests that it has not read. */
  untilUnread(nodeId: number, count: number): Promise<void>
  /** Breaks the connections of the broker. Bytes that arrived before are read all the same. */
  breakConnections(nodeId: number): void
  /** Connections that the client has not closed. */
  openConnections(nodeId: number): number
  /** The throttle time in the brokers' answers. The client must not send during this time. */
  throttleMs: number
  readonly partitions: number
  close(): Promise<void>
}

const PRODUCE = 0
const METADATA = 3
const API_VERSIONS = 18
const INIT_PRODUCER_ID = 22
const NOT_LEADER = 6
const VERSIONS = [
  [PRODUCE, 3, 7],
  [METADATA, 0, 1],
  [API_VERSIONS, 0, 2],
  [INIT_PRODUCER_ID, 0, 1],
] as const

interface Decoder {
  readInt16(): number
  readInt32(): number
  readString(): string | null
  readBytes(size: number): Buffer
  readArray<V>(read: (decoder: Decoder) => V): V[]
}
interface RecordBatch {
  readonly producerId: string
  readonly producerEpoch: number
  readonly firstSequence: number
  readonly records: readonly { readonly value: Buffer | null }[]
}
const internal = createRequire(import.meta.url)
const DecoderOf = internal('kafkajs/src/protocol/decoder.js') as new (bytes: Buffer) => Decoder
const decodeBatch = internal('kafkajs/src/protocol/recordBatch/v0/decoder.js') as (of: Decoder) => Promise<RecordBatch>

interface Connection {
  readonly socket: Socket
  readonly unread: Buffer[]
}

export async function startProduceBrokers(options: { brokers: number; partitions: number }): Promise<ProduceBrokers> {
  const { partitions } = options
  const logs = new Map<string, ReturnType<typeof createPartitionLog>>()
  const logOf = (topic: string, partition: number) => {
    const name = `${topic}/${partition}`
    const log = logs.get(name) ?? createPartitionLog()
    logs.set(name, log)
    return log
  }
  let producers = 0
  const nodes = await Promise.all(Array.from({ length: options.brokers }, () => startNode()))
  const addresses = nodes.map(({ server }) => `127.0.0.1:${(server.address() as AddressInfo).port}`)
  const waiting: (() => void)[] = []

  const answerTo = async (nodeId: number, frame: Buffer): Promise<Buffer> => {
    const decoder = new DecoderOf(frame)
    const [apiKey] = [decoder.readInt16(), decoder.readInt16()]
    const correlationId = int32(decoder.readInt32())
    decoder.readString()
    const bodies: Readonly<Record<number, () => Buffer | Promise<Buffer>>> = {
      [API_VERSIONS]: () => Buffer.concat([int16(0), array(VERSIONS, (all) => all.map(int16)), int32(0)]),
      [INIT_PRODUCER_ID]: () => Buffer.concat([int32(0), int16(0), int64(BigInt(++producers)), int16(0)]),
      [METADATA]: () => metadata(decoder.readArray((each) => each.readString() ?? '')),
      [PRODUCE]: () => produce(nodeId, decoder),
    }
    return Buffer.concat([correlationId, await bodies[apiKey]!()])
  }

  const metadata = (topics: readonly string[]) =>
    Buffer.concat([
      array(addresses, (address, id) => [
        int32(id),
        text('127.0.0.1'),
        int32(Number(address.split(':')[1])),
        int16(-1),
      ]),
      int32(0),
      array(topics, (topic) => [
        ...[int16(0), text(topic), Buffer.alloc(1)],
        array(Array.from({ length: partitions }), (_, partition) => [
          ...[int16(0), int32(partition), int32(partition % nodes.length), int32(0), int32(0)],
        ]),
      ]),
    ])

  const produce = async (nodeId: number, decoder: Decoder) => {
    decoder.readString()
    decoder.readInt16()
    decoder.readInt32()
    const topics = decoder.readArray((topic) => ({
      topic: topic.readString() ?? '',
      batches: topic.readArray((each) => ({ partition: each.readInt32(), bytes: each.readBytes(each.readInt32()) })),
    }))
    const answers: Buffer[][] = []
    for (const { topic, batches } of topics) {
      const answered: Buffer[] = []
      for (const { partition, bytes } of batches) {
        const batch = await decodeBatch(new DecoderOf(bytes))
        const code = partition % nodes.length === nodeId ? logOf(topic, partition).append(appended(batch)) : NOT_LEADER
        answered.push(Buffer.concat([int32(partition), int16(code), int64(0n), int64(-1n), int64(0n)]))
      }
      answers.push([text(topic), array(answered, (each) => [each])])
    }
    return Buffer.concat([array(answers, (each) => each), int32(brokers.throttleMs)])
  }

  async function startNode() {
    const connections: Connection[] = []
    const server = createServer((socket) => {
      const connection: Connection = { socket, unread: [] }
      connections.push(connection)
      socket.on('error', () => {})
      let bytes = Buffer.alloc(0)
      socket.on('data', (chunk) => {
        bytes = Buffer.concat([bytes, chunk as Buffer])
        while (bytes.length >= 4 && bytes.length >= 4 + bytes.readInt32BE(0)) {
          const size = bytes.readInt32BE(0)
          connection.unread.push(Buffer.from(bytes.subarray(4, 4 + size)))
          bytes = bytes.subarray(4 + size)
        }
        void read(node)
        for (const tell of waiting.splice(0)) tell()
      })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const node = { server, connections, hangs: false, reading: false }
    return node
  }
  type Node = Awaited<ReturnType<typeof startNode>>

  async function read(node: Node) {
    if (node.reading) return
    node.reading = true
    for (;;) {
      const connection = node.connections.findLast(({ unread }) => unread.length > 0)
      if (node.hangs || connection === undefined) break
      const answer = await answerTo(nodes.indexOf(node), connection.unread.shift()!)
      if (!connection.socket.destroyed) connection.socket.write(Buffer.concat([int32(answer.length), answer]))
    }
    node.reading = false
  }

  const brokers: ProduceBrokers = {
    ...{ addresses, partitions, throttleMs: 0 },
    values: (topic, partition) => logOf(topic, partition).values,
    hang(nodeId) {
      nodes[nodeId]!.hangs = true
    },
    goOn(nodeId) {
      nodes[nodeId]!.hangs = false
      void read(nodes[nodeId]!)
    },
    async untilUnread(nodeId, count) {
      const unread = () =>
        nodes[nodeId]!.connections.flatMap((each) => each.unread).filter((frame) => frame.readInt16BE(0) === PRODUCE)
      while (unread().length < count) await new Promise<void>((resolve) => waiting.push(resolve))
    },
    breakConnections(nodeId) {
      for (const { socket } of nodes[nodeId]!.connections) socket.destroy()
    },
    openConnections: (nodeId) =>
      nodes[nodeId]!.connections.filter(({ socket }) => !socket.destroyed && !socket.readableEnded).length,
    async close() {
      for (const { server, connections } of nodes) {
        for (const { socket } of connections) socket.destroy()
        await closed(server)
      }
    },
  }
  return brokers
}

const appended = ({ producerId, producerEpoch, firstSequence, records }: RecordBatch): AppendedBatch => ({
  producerId: BigInt(producerId),
  epoch: producerEpoch,
  firstSequence,
  values: records.map(({ value }) => String(value)),
})

async function closed(server: Server) {
  server.close()
  await once(server, 'close')
}

function array<V>(list: readonly V[], write: (each: V, index: number) => readonly Buffer[]): Buffer {
  return Buffer.concat([int32(list.length), ...list.flatMap(write)])
}
