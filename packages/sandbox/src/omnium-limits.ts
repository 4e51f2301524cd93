/** The limits that Omnium documents. Source: docs.omnium.no, Rate limits. */
export interface OmniumLimitSettings {
  /** Requests of one API user at the same time. */
  readonly perApiUser: number
  /** Requests of all API users of a tenant at the same time. */
  readonly perTenant: number
  /** Batch calls of one API user at the same time. */
  readonly batches: number
  /** The requests that the bucket of an API user holds; the bucket is full at the start. */
  readonly bucket: number
  /** The requests that the bucket gains every `gainEveryMs`. */
  readonly gain: number
  readonly gainEveryMs: number
}

export interface LimitCounts {
  /** All requests but those for a token, the refused ones too. */
  requests: number
  /** Requests that were answered 429 because of a limit. */
  refused: number
  /** The most requests that were there at the same time, with those that were refused. */
  maxConcurrent: number
  tokenFetches: number
}

export interface ApiUserCounts extends LimitCounts {
  /** The most batch calls that were there at the same time, with those that were refused. */
  maxBatches: number
}

export interface TenantCounts extends LimitCounts {
  readonly apiUsers: Readonly<Record<string, ApiUserCounts>>
}

export interface LimitedRequest {
  readonly tenant: string
  readonly clientId: string
  readonly isBatch: boolean
}

/** The documented limits of all tenants, and what the tenants used of them. */
export interface OmniumLimits {
  /**
   * Counts a request. A number: refused, to be tried again after so many seconds. Otherwise `end` has to be called once
   * the request is over. `settings` null: counted and never refused.
   */
  enter(request: LimitedRequest, settings: OmniumLimitSettings | null): { readonly end: () => void } | number
  tokenFetched(tenant: string, clientId: string): void
  /** By tenant. */
  counts(tenant?: string): Readonly<Record<string, TenantCounts>>
  /** Sets the counts of one tenant, or of all, to zero. Buckets and requests that are there stay. */
  reset(tenant?: string): void
}

interface Usage<Counts> {
  counts: Counts
  inFlight: number
}
interface ApiUserUsage extends Usage<ApiUserCounts> {
  batches: number
  bucket: { tokens: number; readonly createdAt: number; gains: number } | null
}
interface TenantUsage extends Usage<LimitCounts> {
  readonly apiUsers: Map<string, ApiUserUsage>
}

const noCounts = (): LimitCounts => ({ requests: 0, refused: 0, maxConcurrent: 0, tokenFetches: 0 })
const noApiUserCounts = (): ApiUserCounts => ({ ...noCounts(), maxBatches: 0 })

export function createOmniumLimits(now: () => number): OmniumLimits {
  const tenants = new Map<string, TenantUsage>()

  const usageOf = (tenant: string, clientId: string) => {
    const ofTenant = tenants.get(tenant) ?? { counts: noCounts(), inFlight: 0, apiUsers: new Map() }
    tenants.set(tenant, ofTenant)
    const none: ApiUserUsage = { counts: noApiUserCounts(), inFlight: 0, batches: 0, bucket: null }
    const ofApiUser = ofTenant.apiUsers.get(clientId) ?? none
    ofTenant.apiUsers.set(clientId, ofApiUser)
    return { ofTenant, ofApiUser }
  }

  /** Seconds until the bucket of the API user has a token; null: it has one. */
  const emptyForSeconds = (usage: ApiUserUsage, { bucket, gain, gainEveryMs }: OmniumLimitSettings): number | null => {
    usage.bucket ??= { tokens: bucket, createdAt: now(), gains: 0 }
    const gains = Math.max(0, Math.floor((now() - usage.bucket.createdAt) / gainEveryMs))
    usage.bucket.tokens = Math.min(bucket, usage.bucket.tokens + Math.max(0, gains - usage.bucket.gains) * gain)
    usage.bucket.gains = Math.max(gains, usage.bucket.gains)
    if (usage.bucket.tokens >= 1) return null
    const nextGainAt = usage.bucket.createdAt + (usage.bucket.gains + 1) * gainEveryMs
    return Math.max(1, Math.ceil((nextGainAt - now()) / 1000))
  }

  return {
    enter({ tenant, clientId, isBatch }, settings) {
      const { ofTenant, ofApiUser } = usageOf(tenant, clientId)
      for (const { counts, inFlight } of [ofTenant, ofApiUser]) {
        counts.requests += 1
        counts.maxConcurrent = Math.max(counts.maxConcurrent, inFlight + 1)
      }
      if (isBatch) ofApiUser.counts.maxBatches = Math.max(ofApiUser.counts.maxBatches, ofApiUser.batches + 1)

      if (settings !== null) {
        const isFull =
          ofApiUser.inFlight >= settings.perApiUser ||
          ofTenant.inFlight >= settings.perTenant ||
          (isBatch && ofApiUser.batches >= settings.batches)
        const refusedForSeconds = isFull ? 1 : emptyForSeconds(ofApiUser, settings)
        if (refusedForSeconds !== null) {
          for (const { counts } of [ofTenant, ofApiUser]) counts.refused += 1
          return refusedForSeconds
        }
        ofApiUser.bucket!.tokens -= 1
      }

      const change = (by: 1 | -1) => {
        ofTenant.inFlight += by
        ofApiUser.inFlight += by
        if (isBatch) ofApiUser.batches += by
      }
      change(1)
      let isOver = false
      return {
        end: () => {
          if (!isOver) change(-1)
          isOver = true
        },
      }
    },
    tokenFetched(tenant, clientId) {
      const { ofTenant, ofApiUser } = usageOf(tenant, clientId)
      for (const { counts } of [ofTenant, ofApiUser]) counts.tokenFetches += 1
    },
    counts: (only) =>
      Object.fromEntries(
        [...tenants]
          .filter(([tenant]) => only === undefined || tenant === only)
          .map(([tenant, { counts, apiUsers }]) => {
            const ofApiUsers = [...apiUsers].map(([clientId, usage]) => [clientId, { ...usage.counts }])
            return [tenant, { ...counts, apiUsers: Object.fromEntries(ofApiUsers) }]
          }),
      ),
    reset(only) {
      for (const [tenant, usage] of tenants) {
        if (only !== undefined && tenant !== only) continue
        usage.counts = noCounts()
        for (const ofApiUser of usage.apiUsers.values()) ofApiUser.counts = noApiUserCounts()
      }
    },
  }
}
