import manifest from '../package.json' with { type: 'json' }
import type { SharedConfig } from './config.ts'
import type { Logger } from './logger.ts'
import { noTracer, type Tracer } from './tracing.ts'
import { tracingOf } from './tracing-config.ts'

/** A service's tracer; OpenTelemetry is loaded only where an endpoint is set. `stop` sends what is left, for 2 s at most. */
export async function openTracing(
  service: string,
  config: SharedConfig,
  logger: Logger,
): Promise<{ readonly tracer: Tracer; stop(): Promise<void> }> {
  const tracing = tracingOf(config)
  if (tracing === null) return { tracer: noTracer, stop: async () => {} }
  const { createOtel } = await import('./tracing-otel.ts')
  const { version } = manifest
  return createOtel({ config: tracing, service, instanceId: config.serviceInstanceId, version, logger })
}
