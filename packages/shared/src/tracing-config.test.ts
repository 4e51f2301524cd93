import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { readConfig } from './config.ts'
import { tracingEnv, tracingOf } from './tracing-config.ts'

const tracing = (env: Record<string, string>) => tracingOf(readConfig(z.object(tracingEnv), env))

describe('traces', () => {
  it('are off unless an endpoint is set', () => {
    expect(tracing({ OTEL_TRACES_SAMPLER: 'always_on', OTEL_EXPORTER_OTLP_ENDPOINT: '' })).toBeNull()
  })

  it.each([
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' }, 'http://collector:4318/v1/traces'],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'https://collector/otlp/' }, 'https://collector/otlp/v1/traces'],
    [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://collector:4318/in' }, 'http://collector:4318/in'],
    [
      {
        OTEL_EXPORTER_OTLP_ENDPOINT: 'http://all:4318',
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://own:4318/v1/traces',
      },
      'http://own:4318/v1/traces',
    ],
  ])('of %j go to %s', (env, endpoint) => {
    expect(tracing(env as Record<string, string>)?.endpoint).toBe(endpoint)
  })

  it('have all of them sampled as protobuf, unless told', () => {
    expect(tracing({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' })).toMatchObject({
      ...{ protocol: 'http/protobuf', sampler: 'parentbased_always_on', ratio: 1 },
      ...{ headers: {}, resource: {} },
    })
  })

  it('take what OpenTelemetry writes as lists', () => {
    const read = tracing({
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318',
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20a=b, x-scope=1',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=prod',
      OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0.05',
    })

    expect(read).toMatchObject({
      headers: { authorization: 'Bearer a=b', 'x-scope': '1' },
      resource: { 'deployment.environment.name': 'prod' },
      ...{ sampler: 'parentbased_traceidratio', ratio: 0.05 },
    })
  })

  it.each([
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector:4318'],
    ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc'],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'authorization'],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'a=%zz'],
    ['OTEL_TRACES_SAMPLER', 'jaeger_remote'],
    ['OTEL_TRACES_SAMPLER_ARG', '2'],
    ['OTEL_TRACES_SAMPLER_ARG', 'half'],
  ])('are refused with %s=%s, whose value is not repeated', (name, value) => {
    expect(() => tracing({ [name]: value })).toThrow(new RegExp(`${name}: (?!.*${value})`))
  })
})
