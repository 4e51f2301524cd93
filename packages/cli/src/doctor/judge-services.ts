import type { ValueOf } from '@sync/shared/contracts/contracts'
import type { ServiceName } from '@sync/shared/kafka/topics'
import { duration } from '../terminal.ts'
import { broken, type Finding, look, ok } from './finding.ts'

/** A process that sends requests for the tenant reports every ten minutes, and at each change. */
const LATE_MS = 25 * 60_000
/** Their sweeps send requests for each tenant every few minutes. The others send requests only if something changes. */
const SWEEPING: readonly ServiceName[] = ['flow-ingest', 'omnium-ingest']

export const serviceOf = (service: ServiceName): string => `service ${service}`

/**
 * Whether a service runs: `members` processes are in its consumer group. Also says when the last report of a process on this
 * tenant was written. Pure.
 */
export function judgeService(
  service: ServiceName,
  members: number,
  states: readonly ValueOf<'sync.cursors.v1'>[],
  nowMs: number,
): Finding {
  const check = serviceOf(service)
  const times = states
    .filter(({ process }) => process?.startsWith(`${service}/`))
    .map(({ sweptAt }) => Date.parse(sweptAt))
  const age = times.length === 0 ? null : Math.max(0, nowMs - Math.max(...times))
  const reported =
    age === null ? 'has not reported on this tenant yet' : `last reported on this tenant ${duration(age)} ago`
  if (members === 0) {
    const advice = `Start ${service}. If it was started, look for its errors in the log.`
    return broken(check, `no process is in its consumer group; ${reported}`, advice)
  }
  const found = `${members} ${members === 1 ? 'process' : 'processes'} in its consumer group; ${reported}`
  if (age === null || age <= LATE_MS) return ok(check, found)
  if (!SWEEPING.includes(service)) return ok(check, `${found}, because it reports only while it sends requests`)
  return look(check, found, `Look whether /ready of ${service} answers 200, and check SWEEP_INTERVAL_MS.`)
}
