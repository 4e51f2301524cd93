import type { Target } from '../errors.ts'
import type { Layer } from './request.ts'

/** Requests of this process to a target on behalf of one tenant. */
export interface Usage {
  readonly tenant: string
  readonly target: Target
  /** Answered requests of the last hour. */
  readonly requests: number
  /** Those of them that were answered 429. */
  readonly throttled: number
}

/** Counts the answers of the targets for each tenant, by minutes of the last hour. */
export interface TargetUsage {
  readonly count: Layer
  /** Tenants and targets without a request in the last hour are left out. */
  lastHour(): readonly Usage[]
}

const MINUTE_MS = 60_000
const MINUTES = 60

interface Minute {
  readonly minute: number
  requests: number
  throttled: number
}

export function createTargetUsage(now: () => number): TargetUsage {
  const counts = new Map<string, { readonly tenant: string; readonly target: Target; minutes: Minute[] }>()

  const note = (tenant: string, target: Target, isThrottled: boolean) => {
    const name = `${target}/${tenant}`
    const count = counts.get(name) ?? { tenant, target, minutes: [] }
    counts.set(name, count)
    const minute = Math.floor(now() / MINUTE_MS)
    let last = count.minutes.at(-1)
    if (last?.minute !== minute) {
      last = { minute, requests: 0, throttled: 0 }
      count.minutes = [...count.minutes.filter((it) => it.minute > minute - MINUTES), last]
    }
    last.requests++
    if (isThrottled) last.throttled++
  }

  return {
    count: (next) => async (request) => {
      const answer = await next(request)
      note(request.call.tenant.uid, request.target, answer.status === 429)
      return answer
    },
    lastHour() {
      const oldest = Math.floor(now() / MINUTE_MS) - MINUTES
      for (const [name, { minutes }] of counts) if ((minutes.at(-1)?.minute ?? 0) <= oldest) counts.delete(name)
      return [...counts.values()].map(({ tenant, target, minutes }) => {
        const those = minutes.filter(({ minute }) => minute > oldest)
        return {
          tenant,
          target,
          requests: those.reduce((sum, { requests }) => sum + requests, 0),
          throttled: those.reduce((sum, { throttled }) => sum + throttled, 0),
        }
      })
    },
  }
}
