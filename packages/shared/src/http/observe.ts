import type { Logger } from '../logger.ts'
import type { Metrics, StatusClass } from '../metrics.ts'
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
      metrics.targetRequestSeconds.observe((performance.now() - startedAt) / 1000, { target, operation })
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
