import { SyncError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import type { Metrics } from '../metrics.ts'
import type { StatusClass } from '../metrics-table.ts'
import { noTracer, type Tracer } from '../tracing.ts'
import type { Layer } from './request.ts'

/** Counts and times what was handed over to be sent: waits of our own, and what the fence held back, are left out. */
export const measure =
  (metrics: Pick<Metrics, 'targetRequestsTotal' | 'targetRequestSeconds'>): Layer =>
  (next) =>
  async (request) => {
    const { target, operation } = request
    const startedAt = performance.now()
    let status: StatusClass = 'error'
    try {
      const answer = await next(request)
      status = statusClass(answer.status)
      return answer
    } finally {
      metrics.targetRequestsTotal.inc({ target, operation, status })
      const seconds = (performance.now() - startedAt) / 1000
      metrics.targetRequestSeconds.observe(seconds, { target, operation }, request.call.traceparent)
    }
  }

/**
 * A span for each exchange of a record's handling, and its traceparent on the request; none for what belongs to no record (a
 * probe). Never the path: ids are in it.
 */
export const traced =
  (tracer: Tracer): Layer =>
  (next) => {
    if (tracer === noTracer) return next
    return async (request) => {
      const { target, operation, call, method } = request
      if (call.traceparent === undefined) return next(request)
      const { hostname, port } = new URL(request.baseUrl)
      const span = tracer.start(`${method} ${target} ${operation}`, {
        kind: 'client',
        parent: call.traceparent,
        attributes: {
          'http.request.method': method,
          'server.address': hostname,
          ...(port !== '' && { 'server.port': Number(port) }),
          'sync.tenant': call.tenant.uid,
          'sync.target': target,
          'sync.operation': operation,
        },
      })
      try {
        const answer = await next({ ...request, call: { ...call, traceparent: span.traceparent } })
        span.set({ 'http.response.status_code': answer.status })
        span.end(answer.status >= 400 ? String(answer.status) : undefined)
        return answer
      } catch (error) {
        span.end(error instanceof SyncError ? error.code : 'failed')
        throw error
      }
    }
  }

/** One debug line for each exchange: never its path, headers or bodies. What a failure means is said elsewhere, once. */
export const log =
  (logger: Pick<Logger, 'debug'>): Layer =>
  (next) =>
  async (request) => {
    const { target, operation, call } = request
    const answer = await next(request)
    logger.debug({ tenant: call.tenant.uid, target, operation, status: answer.status }, 'target answered')
    return answer
  }

export function statusClass(status: number): StatusClass {
  if (status === 429) return '429'
  if (status >= 200 && status < 300) return '2xx'
  if (status >= 300 && status < 400) return '3xx'
  return status >= 400 && status < 500 ? '4xx' : '5xx'
}
