import { describe, expect, it } from 'vitest'
import { SyncError } from '../errors.ts'
import { createFakeTracer } from '../testing/fake-tracer.ts'
import { headerText } from './headers.ts'
import type { RawMessage } from './ports.ts'
import { createPublisher } from './publisher.ts'
import { readLane } from './retry-lane.ts'

const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

function given({ failure = null as Error | null, traced = true } = {}) {
  const sent: RawMessage[] = []
  const { tracer, spans } = createFakeTracer()
  const publisher = createPublisher({
    producer: {
      async send(messages) {
        expect(spans.every(({ ended }) => !ended)).toBe(true)
        if (failure !== null) throw failure
        sent.push(...messages)
      },
    },
    encode: async (_topic, value) => Buffer.from(JSON.stringify(value)),
    prefix: 'p.',
    source: 'flow-ingest',
    newEventId: () => 'event-1',
    newTraceparent: () => 'new',
    ...(traced && { tracer }),
    now: () => Date.parse('2026-02-01T00:00:00Z'),
  })
  return { publisher, sent, spans, traceOf: (n: number) => headerText(sent[n]!.headers, 'traceparent') }
}
const message = {
  key: 'acme:1000',
  value: {
    ...{ tenant: 'acme', entity: 'customer' as const, id: '1000', via: 'webhook' as const, action: null, kind: null },
    ...{ users: [], version: null, receivedAt: '2026-02-01T00:00:00Z', repair: false },
  },
}

describe('a record for another service', () => {
  it('is written to the retry topic of that service, on the partition of its key, and says why', async () => {
    const { publisher, sent } = given()
    const why = { why: 're-read' as const, partition: 7, offset: 3n, reason: 'company-updated', notBefore: 5 }

    await publisher.handOn('customer-mapper', 'flow.notifications.v1', { ...message, ...why })

    expect(sent).toMatchObject([{ topic: 'p.customer-mapper.retry.v1', partition: 7 }])
    expect(String(sent[0]!.key)).toBe('acme:1000')
    const lane = readLane({ ...sent[0]!, partition: 7, offset: 0, timestamp: 0, key: null, value: null })
    expect(lane?.mark).toMatchObject({ why: 're-read', reason: 'company-updated', notBefore: 5, attempts: 0 })
    expect(lane?.mark.origin).toEqual({ topic: 'p.flow.notifications.v1', partition: 7, offset: 2 ** 52 + 3 })
  })
})

describe('a record that a record for another service causes', () => {
  it('can be read, and stands for the same place', async () => {
    const { publisher, sent } = given()
    const origin = { partition: 7, offset: BigInt(2 ** 52 + 3) }
    const why = { why: 're-read' as const, ...origin, reason: 'newer-in-flow', notBefore: 5 }

    await publisher.handOn('customer-mapper', 'flow.notifications.v1', { ...message, ...why })

    const lane = readLane({ ...sent[0]!, partition: 7, offset: 0, timestamp: 0, key: null, value: null })
    expect(lane?.mark.origin).toEqual({ topic: 'p.flow.notifications.v1', partition: 7, offset: 2 ** 52 + 3 })
  })
})

describe('a record that is published', () => {
  it('says what it is in its headers', async () => {
    const { publisher, sent } = given({ traced: false })

    await publisher.publish('flow.notifications.v1', [message])

    expect(sent).toMatchObject([
      {
        ...{ topic: 'p.flow.notifications.v1', key: 'acme:1000' },
        headers: {
          'event-id': 'event-1',
          source: 'flow-ingest',
          'occurred-at': '2026-02-01T00:00:00.000Z',
          traceparent: 'new',
        },
      },
    ])
  })

  it('carries its span on, which lasts until the acknowledgement', async () => {
    const { publisher, spans, traceOf } = given()

    await publisher.publish('flow.notifications.v1', [{ ...message, traceparent: TRACE }, message])

    expect(spans).toMatchObject([
      { name: 'send flow.notifications.v1', kind: 'producer', parent: TRACE, ended: true, failure: undefined },
      { name: 'send flow.notifications.v1', parent: undefined, ended: true },
    ])
    expect([traceOf(0), traceOf(1)]).toEqual(spans.map(({ traceparent }) => traceparent))
    expect(JSON.stringify(spans)).not.toContain('1000')
  })

  it('and was not acknowledged ends its span as failed', async () => {
    const { publisher, spans } = given({ failure: new SyncError('kafka-unavailable', 'producing to kafka failed') })

    await expect(publisher.publish('flow.notifications.v1', [message])).rejects.toThrow('producing')

    expect(spans[0]).toMatchObject({ ended: true, failure: 'kafka-unavailable' })
  })
})
