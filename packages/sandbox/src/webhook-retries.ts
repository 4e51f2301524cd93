/** How long to wait before the next attempt, after `attempt` of them (from 1) and this answer; null: it is over. */
export type RetryPolicy = (attempt: number, status: number | null) => number | null

/**
 * Flow: below 300 is success, 400–499 is an error that is dropped, anything else (no answer too) is retried up to 10
 * times, with growing delays whose length is ours. Source: docs.flowretail.com, Webhooks.
 */
export function flowRetries(firstDelayMs: number, maxDelayMs = 60_000): RetryPolicy {
  return (attempt, status) => {
    if (status !== null && (status < 300 || (status >= 400 && status < 500))) return null
    return attempt > 10 ? null : Math.min(maxDelayMs, firstDelayMs * 2 ** (attempt - 1))
  }
}

/** Omnium: three retries, after 1, 5 and 15 s, and none after 200–299, 400, 404, 429. Source: docs.omnium.no, Events. */
export function omniumRetries(scale = 1): RetryPolicy {
  const delays = [1000, 5000, 15_000]
  return (attempt, status) => {
    if (status !== null && ((status >= 200 && status < 300) || [400, 404, 429].includes(status))) return null
    const delay = delays[attempt - 1]
    return delay === undefined ? null : delay * scale
  }
}
