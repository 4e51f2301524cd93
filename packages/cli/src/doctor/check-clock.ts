import { SyncError, type Target } from '@sync/shared/errors'
import type { Check } from './check.ts'
import { broken, type Finding, look, ok } from './finding.ts'

/** `Date` of an answer counts whole seconds, and the answer takes its time. */
const EXACT_TO_MS = 2_000
/** Sweeps begin so far before their high-water mark by default. */
const TOLERABLE_MS = 60_000

/** `date`: the header of an answer, null without one; `askedAt` and `answeredAt`: our clock, ms since the epoch. Pure. */
export function judgeClock(target: Target, date: string | null, askedAt: number, answeredAt: number): Finding {
  const check = nameOf(target)
  const at = Date.parse(date ?? '')
  if (Number.isNaN(at)) {
    return ok(check, 'the answers of the peer have no Date header, so the difference of the clocks is not known')
  }
  const difference = at + 500 - (askedAt + answeredAt) / 2
  const seconds = `${(Math.abs(difference) / 1_000).toFixed(1)} s ${difference < 0 ? 'behind' : 'ahead of'} our clock`
  if (Math.abs(difference) <= EXACT_TO_MS + (answeredAt - askedAt)) return ok(check, 'agrees with our clock')
  const advice =
    'Synchronize the clock of this machine (NTP). If the clock of the peer is wrong, raise SWEEP_OVERLAP_MS.'
  return Math.abs(difference) <= TOLERABLE_MS ? look(check, seconds, advice) : broken(check, seconds, advice)
}

const nameOf = (target: Target): string => `clock of ${target}`

/** Any answer of the peer's host shows its clock; nothing is authorized, and no customer is named. */
export const clockOf = (target: Target): Check => ({
  names: [nameOf(target)],
  async run({ tenant, cluster, now }) {
    const askedAt = now()
    const answer = await fetch(tenant[target].baseUrl, {
      method: 'GET',
      redirect: 'manual',
      signal: cluster.signal,
    }).catch((cause: unknown) => {
      throw new SyncError('target-unreachable', 'the host of the base URL does not answer', { target, cause })
    })
    await answer.body?.cancel()
    return [judgeClock(target, answer.headers.get('date'), askedAt, now())]
  },
  explain(error) {
    if (!(error instanceof SyncError)) throw error
    return { found: error.message, advice: 'Check the base URL.' }
  },
})
