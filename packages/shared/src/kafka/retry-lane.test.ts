import { describe, expect, it } from 'vitest'
import { deadLetterMessage } from './dead-letter.ts'
import type { RawMessage, SourceRecord } from './ports.ts'
import { type LaneMark, laneMessage, readLane } from './retry-lane.ts'

const original = {
  key: Buffer.from('acme:1'),
  value: Buffer.from([0, 1, 2, 255]),
  headers: { 'event-id': 'e1', twice: ['a', 'b'] },
}
const mark: LaneMark = {
  why: 'deferred',
  origin: { topic: 'flow.customers.v1', partition: 3, offset: 42 },
  reason: 'circuit-open',
  notBefore: 1_000,
  attempts: 2,
  brownoutMs: 90_000,
  firstSeenAt: 500,
  passes: 1,
  redrives: 0,
}
const asRead = (message: RawMessage): SourceRecord => ({
  topic: message.topic,
  partition: message.partition ?? 0,
  offset: 7,
  key: message.key as Buffer,
  value: message.value,
  headers: message.headers,
  timestamp: 9,
})

describe('a lane record', () => {
  it('brings back the original bytes, headers, partition and everything of the mark', () => {
    const message = laneMessage('customer-mapper.retry.v1', original, mark)
    const read = readLane(asRead(message))

    expect(message).toMatchObject({
      topic: 'customer-mapper.retry.v1',
      partition: 3,
      key: original.key,
      value: original.value,
    })
    expect(read).toEqual({ mark, headers: original.headers })
  })

  it('can go through the lane again without piling up headers', () => {
    const once = laneMessage('customer-mapper.retry.v1', original, mark)
    const twice = laneMessage(
      'customer-mapper.retry.v1',
      { ...original, headers: once.headers },
      { ...mark, passes: 2 },
    )

    expect(Object.keys(twice.headers).toSorted()).toEqual(Object.keys(once.headers).toSorted())
    expect(readLane(asRead(twice))?.mark.passes).toBe(2)
  })

  it.each([['lane-why'], ['lane-topic'], ['lane-partition'], ['lane-offset']])('is not one without %s', (name) => {
    const message = laneMessage('customer-mapper.retry.v1', original, mark)
    const { [name]: _left, ...headers } = message.headers

    expect(readLane(asRead({ ...message, headers }))).toBeNull()
  })
})

describe('a dead letter', () => {
  it('holds the original untouched and names its origin, reason, attempts and times', () => {
    const message = deadLetterMessage('customer-mapper.dead-letters.v1', original, {
      origin: mark.origin,
      reason: 'refused',
      message: 'updating customer in omnium: 422 Unprocessable Entity',
      attempts: 3,
      firstFailureAt: 0,
      lastFailureAt: 1_000,
      redrives: 1,
    })

    expect(message.key).toBe(original.key)
    expect(message.value).toBe(original.value)
    expect(message.headers).toEqual({
      ...original.headers,
      'dl-topic': 'flow.customers.v1',
      'dl-partition': '3',
      'dl-offset': '42',
      'dl-reason': 'refused',
      'dl-message': 'updating customer in omnium: 422 Unprocessable Entity',
      'dl-attempts': '3',
      'dl-first-failure-at': '1970-01-01T00:00:00.000Z',
      'dl-last-failure-at': '1970-01-01T00:00:01.000Z',
      'dl-redrives': '1',
    })
  })
})
