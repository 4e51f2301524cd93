import { describe, expect, it } from 'vitest'
import { SyncError } from '../errors.ts'
import { aCall } from '../testing/builders.ts'
import { createFakeTracer } from '../testing/fake-tracer.ts'
import { traced } from './observe.ts'
import type { HttpAnswer, Send, TargetRequest } from './request.ts'

const PARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

const aRequest = (traceparent?: string): TargetRequest => ({
  ...{ target: 'omnium', operation: 'get-customer', method: 'GET', path: '/api/customers/ada%40shop.test' },
  baseUrl: 'https://omnium.test:8443/base',
  call: { ...aCall(), ...(traceparent !== undefined && { traceparent }) },
})
const answering = (status: number): { send: Send; seen: TargetRequest[] } => {
  const seen: TargetRequest[] = []
  return {
    seen,
    async send(request) {
      seen.push(request)
      return { status, headers: {}, text: '' } satisfies HttpAnswer
    },
  }
}

describe('the trace of a request', () => {
  it('goes on at the peer as a child of the handling, and says nothing of the customer', async () => {
    const { tracer, spans } = createFakeTracer()
    const { send, seen } = answering(200)

    await traced(tracer)(send)(aRequest(PARENT))

    expect(spans).toMatchObject([
      {
        ...{ name: 'GET omnium get-customer', kind: 'client', parent: PARENT, ended: true, failure: undefined },
        attributes: {
          'http.request.method': 'GET',
          'http.response.status_code': 200,
          'server.address': 'omnium.test',
          'server.port': 8443,
          'sync.operation': 'get-customer',
        },
      },
    ])
    expect(seen[0]?.call.traceparent).toBe(spans[0]?.traceparent)
    expect(JSON.stringify(spans)).not.toContain('shop.test')
  })

  it.each([404, 429, 503])('that was answered %d has failed', async (status) => {
    const { tracer, spans } = createFakeTracer()

    await traced(tracer)(answering(status).send)(aRequest(PARENT))

    expect(spans[0]?.failure).toBe(String(status))
  })

  it('that was not answered has failed by the reason, which goes on', async () => {
    const { tracer, spans } = createFakeTracer()
    const send: Send = async () => {
      throw new SyncError('target-timeout', 'reading a customer from omnium: no answer within 10 ms')
    }

    await expect(traced(tracer)(send)(aRequest(PARENT))).rejects.toThrow('no answer')

    expect(spans[0]).toMatchObject({ ended: true, failure: 'target-timeout' })
  })

  it('that belongs to no record is none', async () => {
    const { tracer, spans } = createFakeTracer()

    await traced(tracer)(answering(200).send)(aRequest())

    expect(spans).toEqual([])
  })
})
