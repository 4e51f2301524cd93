import { describe, expect, it } from 'vitest'
import { done, park, retry } from '../outcome.ts'
import { createFakeTracer } from '../testing/fake-tracer.ts'
import { startHandling } from './handling-span.ts'
import type { Pending } from './pending.ts'
import type { Lead } from './plan.ts'

const traceparent = (id: number, flags = '01') => `00-${String(id).padStart(32, '0')}-${'1'.padStart(16, '0')}-${flags}`

function aLead(offset: number, trace: string | undefined, older: readonly Pending[] = []): Lead<Pending> {
  const record = {
    ...{ topic: 'flow.customers.v1', attempts: 0, mark: null, traceparent: trace },
    origin: { topic: 'flow.customers.v1', partition: 3, offset },
  } as unknown as Pending
  return { record, older, repair: false, classified: { group: 'c', version: '', targets: [] } }
}

const start = (leads: readonly Lead<Pending>[], { tracer } = createFakeTracer()) =>
  startHandling(tracer, 'customer-mapper', 'acme', leads)

describe('the handling of a key', () => {
  it('continues the trace of the first record that is sampled, and links the others, superseded ones too', () => {
    const fake = createFakeTracer()
    const superseded = aLead(1, traceparent(1)).record
    const leads = [aLead(2, traceparent(2, '00')), aLead(3, traceparent(3), [superseded]), aLead(4, undefined)]

    const handling = start(leads, fake)
    handling.end([done(), done(), done()])

    const [span] = fake.spans
    expect(span).toMatchObject({ name: 'process flow.customers.v1', kind: 'consumer', parent: traceparent(3) })
    expect(span?.links).toEqual([traceparent(2, '00'), traceparent(1)])
    expect(span?.attributes).toMatchObject({
      ...{
        'messaging.kafka.offset': 3,
        'messaging.batch.message_count': 4,
        'sync.tenant': 'acme',
        'sync.lane': 'live',
      },
      'sync.outcome': 'done',
    })
    expect(handling.traceparentOf(leads[1]!.record)).toBe(span?.traceparent)
    expect(handling.traceparentOf(leads[0]!.record)).toBe(traceparent(2, '00'))
  })

  it.each([
    ['is tried again', [retry('target-failed')], 'target-failed'],
    ['is parked', [park('refused', 'creating a customer in omnium: 400')], 'refused'],
    ['was given up', null, 'abandoned'],
    ['went well', [done()], undefined],
  ])('that %s is an error by its reason', (_what, outcomes, failure) => {
    const fake = createFakeTracer()

    start([aLead(1, traceparent(1))], fake).end(outcomes)

    expect(fake.spans[0]).toMatchObject({ ended: true })
    expect(fake.spans[0]?.failure).toBe(failure)
    expect(JSON.stringify(fake.spans)).not.toContain('400')
  })

  it('without a tracer goes on with the trace of its record', () => {
    const handling = startHandling(undefined, 'customer-mapper', 'acme', [aLead(1, traceparent(1))])

    expect(handling.traceparent).toBe(traceparent(1))
  })
})
