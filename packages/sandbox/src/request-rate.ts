/** How many requests each tenant may send: a bucket that holds one second's worth. */
export interface RequestRate {
  /** null: allowed, and counted. A number: refused, to be tried again after so many seconds. */
  refusedForSeconds(tenant: string, requestsPerSecond: number, nowMs: number): number | null
}

export function createRequestRate(): RequestRate {
  const buckets = new Map<string, { tokens: number; atMs: number }>()
  return {
    refusedForSeconds(tenant, requestsPerSecond, nowMs) {
      const capacity = Math.max(1, requestsPerSecond)
      const bucket = buckets.get(tenant) ?? { tokens: capacity, atMs: nowMs }
      const earned = (Math.max(0, nowMs - bucket.atMs) / 1000) * requestsPerSecond
      const tokens = Math.min(capacity, bucket.tokens + earned)
      const allowed = tokens >= 1
      buckets.set(tenant, { tokens: allowed ? tokens - 1 : tokens, atMs: nowMs })
      return allowed ? null : Math.max(1, Math.ceil((1 - tokens) / requestsPerSecond))
    },
  }
}
