import { z } from 'zod'

const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const

const PAIRS = 'must be name=value, several with commas, percent-encoded'

/** `a=1,b=2` with percent-encoded values, as OpenTelemetry writes lists in its variables. */
const pairs = z.string().transform((text, context): Readonly<Record<string, string>> => {
  const entries = text
    .split(',')
    .map((pair) => pair.trim())
    .filter((pair) => pair !== '')
    .map((pair): [string, string] => {
      const [name = '', ...value] = pair.split('=')
      return [decoded(name.trim()), decoded(value.join('=').trim())]
    })
  if (entries.some(([name, value]) => name === '' || value === '')) {
    context.addIssue(PAIRS)
    return z.NEVER
  }
  return Object.fromEntries(entries)
})

/** Empty for what can't be decoded. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}

const url = z.string().refine((value) => /^https?:$/.test(URL.parse(value)?.protocol ?? ''), {
  message: 'must be an http or https URL',
})

/** OpenTelemetry's own variables; no traces unless an endpoint is set. */
export const tracingEnv = {
  OTEL_EXPORTER_OTLP_ENDPOINT: url.optional(),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: url.optional(),
  OTEL_EXPORTER_OTLP_PROTOCOL: z
    .enum(['http/protobuf', 'http/json'], 'must be http/protobuf or http/json')
    .prefault('http/protobuf'),
  OTEL_EXPORTER_OTLP_HEADERS: pairs.prefault(''),
  OTEL_RESOURCE_ATTRIBUTES: pairs.prefault(''),
  OTEL_TRACES_SAMPLER: z.enum(SAMPLERS, `must be ${SAMPLERS.join(', ')}`).prefault('parentbased_always_on'),
  OTEL_BSP_SCHEDULE_DELAY: z
    .string()
    .regex(/^[1-9]\d{0,5}$/, 'must be a whole number of milliseconds from 1 to 999999')
    .transform(Number)
    .prefault('5000'),
  OTEL_TRACES_SAMPLER_ARG: z
    .string()
    .regex(/^(0?\.\d+|[01](\.0+)?)$/, 'must be a number from 0 to 1')
    .transform(Number)
    .prefault('1'),
}

type Read = { readonly [K in keyof typeof tracingEnv]: z.output<(typeof tracingEnv)[K]> }

/** Where traces go, and which. */
export interface TracingConfig {
  /** The whole URL of the signal. */
  readonly endpoint: string
  readonly protocol: Read['OTEL_EXPORTER_OTLP_PROTOCOL']
  readonly headers: Readonly<Record<string, string>>
  readonly resource: Readonly<Record<string, string>>
  readonly sampler: (typeof SAMPLERS)[number]
  /** Of the samplers by ratio, 0 to 1. */
  readonly ratio: number
  /** The most time between two exports. */
  readonly exportIntervalMs: number
}

/** null: no traces. `/v1/traces` goes after the endpoint that serves all signals, not after the one of traces alone. */
export function tracingOf(config: {
  readonly otelExporterOtlpEndpoint?: string | undefined
  readonly otelExporterOtlpTracesEndpoint?: string | undefined
  readonly otelExporterOtlpProtocol: TracingConfig['protocol']
  readonly otelExporterOtlpHeaders: TracingConfig['headers']
  readonly otelResourceAttributes: TracingConfig['resource']
  readonly otelTracesSampler: TracingConfig['sampler']
  readonly otelTracesSamplerArg: number
  readonly otelBspScheduleDelay: number
}): TracingConfig | null {
  const { otelExporterOtlpEndpoint: base, otelExporterOtlpTracesEndpoint: own } = config
  const endpoint = own ?? (base && `${base.replace(/\/+$/, '')}/v1/traces`)
  if (endpoint === undefined) return null
  return {
    endpoint,
    protocol: config.otelExporterOtlpProtocol,
    headers: config.otelExporterOtlpHeaders,
    resource: config.otelResourceAttributes,
    sampler: config.otelTracesSampler,
    ratio: config.otelTracesSamplerArg,
    exportIntervalMs: config.otelBspScheduleDelay,
  }
}
