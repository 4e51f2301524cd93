import { setTimeout as delay } from 'node:timers/promises'
import { classifyFailure, SyncError } from '@sync/shared/errors'
import type { Call } from '@sync/shared/http/call'
import { createTargets, type Targets } from '@sync/shared/http/targets'
import { createLogger } from '@sync/shared/logger'
import { createMetrics } from '@sync/shared/metrics'
import { steadyNow } from '@sync/shared/steady-now'
import type { Tenant } from '@sync/shared/tenants'
import type { Cluster } from './cluster.ts'

const REQUEST_DEADLINE_MS = 10_000
const ATTEMPTS = 5
/** Answers of 429 that one read waits for. */
const MAX_REFUSED = 30
const PAUSE = { baseMs: 500, capMs: 5_000 }

/** Runs `work` with clients of both peers, within syncctl's share of each tenant's limits (FLOW_RATE_SHARE, OMNIUM_RATE_SHARE). */
export async function withTargets<T>({ config }: Cluster, work: (targets: Targets) => Promise<T>): Promise<T> {
  const targets = createTargets({
    service: 'syncctl',
    requestDeadlineMs: REQUEST_DEADLINE_MS,
    metrics: createMetrics('syncctl'),
    logger: createLogger({ service: 'syncctl', level: 'silent' }),
    shares: { flow: config.flowRateShare, omnium: config.omniumRateShare },
    now: steadyNow,
    wallNow: Date.now,
    random: Math.random,
  })
  try {
    return await work(targets)
  } finally {
    await targets.close()
  }
}

/** A call for no record: there is no partition to lose. It gives way to the live work of a tenant. */
export const callFor = (tenant: Tenant, key: string, signal: AbortSignal): Call => ({
  tenant,
  key,
  signal,
  fence: () => {},
  isRetryTopic: true,
})

/** Repeats a read that failed for a moment. Throws the SyncError of the last attempt. */
export async function persistently<T>(signal: AbortSignal, read: () => Promise<T>): Promise<T> {
  let first: unknown
  let attempt = 1
  for (let refused = 0; ; ) {
    try {
      return await read()
    } catch (error) {
      const kind = classifyFailure(error)
      const mayPass = error instanceof SyncError && (kind === 'attempt' || kind === 'outage')
      // An open circuit only says that something was wrong before: what that was is what helps.
      const isCircuit = error instanceof SyncError && error.code === 'circuit-open'
      if (!isCircuit) first = error
      if (
        !mayPass ||
        attempt >= ATTEMPTS ||
        signal.aborted ||
        error.code === 'target-unauthorized' ||
        error.code === 'role-missing'
      ) {
        throw isCircuit ? (first ?? error) : error
      }
      // A 429 is no attempt: syncctl gives way to whoever else sends requests for the tenant.
      if (error.code === 'target-throttled' && refused < MAX_REFUSED) refused++
      else attempt++
      await pause(attempt, error.retryAfterMs, signal)
    }
  }
}

export async function pause(attempt: number, retryAfterMs: number | undefined, signal: AbortSignal): Promise<void> {
  const ownMs = Math.min(PAUSE.capMs, PAUSE.baseMs * 2 ** (attempt - 1))
  await delay(Math.min(60_000, Math.max(retryAfterMs ?? 0, ownMs)), undefined, { signal })
}
