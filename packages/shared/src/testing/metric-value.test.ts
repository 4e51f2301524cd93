import { describe, expect, it } from 'vitest'
import { metricValue } from './metric-value.ts'

const PAGE = [
  '# HELP sync_webhooks_total what came',
  '# TYPE sync_webhooks_total counter',
  'sync_webhooks_total{source="flow",answer="stored"} 3',
  'sync_webhooks_total{source="flow",answer="overloaded"} 1',
  'sync_webhooks_total{source="omnium",answer="stored"} 5',
  '# TYPE sync_webhooks_total_of_old counter',
  'sync_webhooks_total_of_old 7',
  '# TYPE process_resident_memory_bytes gauge',
  'process_resident_memory_bytes 1.5e+8',
  '# TYPE sync_retries_total counter',
].join('\n')

describe('the value of a metric', () => {
  it.each([
    ['sync_webhooks_total', { source: 'flow', answer: 'stored' }, 3],
    ['sync_webhooks_total', { answer: 'stored' }, 8],
    ['sync_webhooks_total', { answer: 'store' }, 0],
    ['sync_webhooks_total', {}, 9],
    ['sync_retries_total', {}, 0],
    ['process_resident_memory_bytes', {}, 150_000_000],
  ])('of %s with %o is the sum of its series', (name, labels, value) => {
    expect(metricValue(PAGE, name, labels)).toBe(value)
  })

  it('is refused of a metric that the page does not know', () => {
    expect(() => metricValue(PAGE, 'sync_webhook_total')).toThrow('sync_webhook_total')
  })
})
