import { markerOf } from '@sync/cli/dead-letter-records'
import { deadLetterMessage } from '@sync/shared/kafka/dead-letter'
import type { RawHeaders, RawMessage } from '@sync/shared/kafka/ports'
import { createPublisher } from '@sync/shared/kafka/publisher'
import { laneMessage } from '@sync/shared/kafka/retry-lane'
import { newEventId, newTraceparent } from '@sync/shared/tracing'
import { expect, test } from 'vitest'
import type { z } from 'zod'
import { DeadLetterHeaders, LaneHeaders, MarkerHeaders, RecordHeaders } from './message-headers.ts'

const origin = { topic: 'test.flow.customers.v1', partition: 3, offset: 42 }
const NOW = Date.parse('2026-02-01T00:00:00Z')

async function published(): Promise<RawHeaders> {
  const sent: RawMessage[] = []
  const publisher = createPublisher({
    producer: { send: async (messages) => void sent.push(...messages) },
    encode: async () => Buffer.from('{}'),
    ...{ prefix: '', source: 'flow-ingest', newEventId, newTraceparent, now: () => NOW },
  })
  await publisher.publish('flow.customers.v1', [{ key: 'acme:1000', value: null }])
  return sent[0]!.headers
}

const own = { key: Buffer.from('acme:1000'), value: Buffer.from('{}'), headers: await published() }
const lane = laneMessage('flow-ingest.retry.v1', own, {
  ...{ why: 'deferred', origin, reason: 'circuit-open', notBefore: NOW, attempts: 0 },
  ...{ brownoutMs: 1_000, firstSeenAt: NOW, passes: 1, redrives: 0 },
})
const letter = deadLetterMessage('flow-ingest.dead-letters.v1', own, {
  ...{ origin, reason: 'refused', message: 'reading from flow: 400', attempts: 1 },
  ...{ firstFailureAt: NOW, lastFailureAt: NOW, redrives: 0 },
})
const marker = markerOf(
  'flow-ingest.dead-letters.v1',
  { ...origin, key: own.key, value: own.value, headers: letter.headers, timestamp: NOW },
  'discarded',
)

test.each<[string, z.ZodObject, RawHeaders]>([
  ['a record that is published', RecordHeaders, own.headers],
  ['a record of the retry lane', RecordHeaders.extend(LaneHeaders.shape), lane.headers],
  ['a dead letter', RecordHeaders.extend(DeadLetterHeaders.shape), letter.headers],
  ['a marker', MarkerHeaders, marker.headers],
])('%s has the headers of the document, and no others', (_case, documented, headers) => {
  expect(documented.parse(headers)).toEqual(headers)
  for (const name of Object.keys(documented.shape)) {
    const { [name]: _left, ...rest } = headers
    expect(documented.safeParse(rest).success, name).toBe(false)
  }
})
