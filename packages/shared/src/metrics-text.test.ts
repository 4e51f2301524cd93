import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { createMetricsText, type OpenMetrics } from './metrics-text.ts'

/** Prometheus' text format, and OpenMetrics: prometheus.io/docs/instrumenting/exposition_formats. */
describe('metrics as text', () => {
  const given = () => {
    const registry = new Registry<OpenMetrics>()
    registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE)
    const registers = [registry]
    const gauge = new Gauge({ name: 'a_gauge', help: 'Of lines\nand \\', labelNames: ['tenant'], registers })
    const counter = new Counter({ name: 'a_count_total', help: 'Counts', labelNames: ['tenant'], registers })
    const histogram = new Histogram({ name: 'a_time_seconds', help: 'Times', buckets: [1], registers })
    return { gauge, counter, histogram, write: createMetricsText(registry) }
  }

  it('escape what a label may hold, and follow values and series that change', async () => {
    const { gauge, write } = given()
    gauge.set({ tenant: 'a"b\\c\nd' }, 1)
    gauge.set({ tenant: 'gone' }, 2)
    await write(false)

    gauge.set({ tenant: 'a"b\\c\nd' }, 0.5)
    gauge.remove({ tenant: 'gone' })
    gauge.set({ tenant: 'new' }, Number.NaN)
    const { text } = await write(false)

    expect(text.split('\n').slice(0, 5)).toEqual([
      '# HELP a_gauge Of lines\\nand \\\\',
      '# TYPE a_gauge gauge',
      'a_gauge{tenant="a\\"b\\\\c\\nd"} 0.5',
      'a_gauge{tenant="new"} NaN',
      '# HELP a_count_total Counts',
    ])
  })

  it.each([
    [Number.POSITIVE_INFINITY, '+Inf'],
    [Number.NEGATIVE_INFINITY, '-Inf'],
    [1e21, '1e+21'],
  ])('write %d as %s', async (value, expected) => {
    const { gauge, write } = given()
    gauge.set({ tenant: 'a' }, value)

    expect((await write(false)).text).toContain(`a_gauge{tenant="a"} ${expected}\n`)
  })

  it('name a counter by its family in OpenMetrics, and its samples alike in both', async () => {
    const { counter, histogram, write } = given()
    counter.inc({ tenant: 'a' }, 3)
    histogram.observe(2)

    const [open, plain] = [(await write(true)).text, (await write(false)).text]

    expect(open).toContain('# HELP a_count Counts\n# TYPE a_count counter\na_count_total{tenant="a"} 3\n')
    expect(plain).toContain('# HELP a_count_total Counts\n# TYPE a_count_total counter\na_count_total{tenant="a"} 3\n')
    for (const text of [open, plain])
      expect(text).toContain('a_time_seconds_bucket{le="+Inf"} 1\na_time_seconds_sum 2\n')
    expect(open).toMatch(/\n# EOF\n$/)
  })
})
