import { expect, it } from 'vitest'
import { decodeAnswer, encodeRequest } from './kafkajs-topic-ids.ts'
import { int16, int32, uvarint } from './wire-types.ts'

const NO_TAGS = uvarint(0)
const compact = (value: string) => Buffer.concat([uvarint(value.length + 1), Buffer.from(value)])
const list = (...entries: Buffer[]) => Buffer.concat([uvarint(entries.length + 1), ...entries])
const ID = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex')

/** As Kafka's documentation says, Metadata API v10. */
const broker = Buffer.concat([int32(1), compact('localhost'), int32(9092), uvarint(0), NO_TAGS])
const partition = Buffer.concat([
  ...[int16(0), int32(0), int32(1), int32(5)],
  ...[list(int32(1), int32(2)), list(int32(1)), list(), NO_TAGS],
])
const topic = (errorCode: number, name: string, id: Buffer) =>
  Buffer.concat([int16(errorCode), compact(name), id, Buffer.of(0), list(partition, partition), int32(0), NO_TAGS])

it('reads the ids of the topics that have one', () => {
  const topics = [topic(0, 'a', ID), topic(3, 'deleted', ID), topic(0, 'of-an-old-log-format', Buffer.alloc(16))]
  const answer = Buffer.concat([
    ...[NO_TAGS, int32(7), list(broker, broker), compact('cluster'), int32(1)],
    ...[list(...topics), int32(0), NO_TAGS],
  ])

  expect(decodeAnswer(answer)).toEqual({ clientSideThrottleTime: 7, ids: [['a', ID.toString('base64url')]] })
})

it('asks for topics by name, also by a long one', () => {
  const name = 'x'.repeat(200)

  const request = encodeRequest(['a', name], 42, 'me')

  const head = [int16(3), int16(10), int32(42), int16(2), Buffer.from('me'), NO_TAGS]
  const asked = [Buffer.alloc(16), compact('a'), NO_TAGS, Buffer.alloc(16), compact(name), NO_TAGS]
  const expected = Buffer.concat([...head, uvarint(3), ...asked, Buffer.alloc(3), NO_TAGS])
  expect(request).toEqual(Buffer.concat([int32(expected.length), expected]))
  expect(uvarint(201)).toEqual(Buffer.of(0xc9, 0x01))
})
