import type { ValueOf } from '@sync/shared/contracts/contracts'
import type { Target } from '@sync/shared/errors'
import { SENDERS } from '@sync/shared/senders'
import type { Tenant } from '@sync/shared/tenants'
import { credentialsAdvice } from './explain.ts'
import { broken, type Finding, look, ok } from './finding.ts'

const HOUR_MS = 3_600_000
/** The goal of all services together. */
const TOLERABLE = 0.01

const API_USERS = 'omnium: API users'
const circuitsOf = (target: Target): string => `circuits of ${target}`
const limitsOfHour = (target: Target): string => `limits of ${target} in the last hour`
/** The names of all checks of this file, in the order of their lines. */
export const TARGET_CHECKS = [
  ...(['flow', 'omnium'] as const).flatMap((target) => [circuitsOf(target), limitsOfHour(target)]),
  API_USERS,
]

/** The circuits and the limits of one target, as the processes have told them within the last hour. Pure. */
export function judgeTarget(target: Target, states: readonly ValueOf<'sync.cursors.v1'>[], nowMs: number): Finding[] {
  const fresh = freshOf(states, nowMs)
  return [judgeCircuits(target, fresh), judgeLimits(target, fresh)]
}

/** Whether each caller of Omnium has an API user of its own. Only requests that Omnium has refused make it worth a look. Pure. */
export function judgeApiUsers(
  { omnium }: Tenant,
  states: readonly ValueOf<'sync.cursors.v1'>[],
  nowMs: number,
): Finding {
  const check = API_USERS
  const without = CALLERS_OF_OMNIUM.filter((sender) => omnium.apiUsers[sender] === undefined)
  if (without.length === 0) return ok(check, 'each service has an API user of its own')
  const found = `without an API user of its own: ${without.join(', ')}`
  const advice =
    'Name an API user for each of them in omnium.apiUsers, so that each has the limits of its own API user.'
  const { isThrottled } = limitsOf(freshOf(states, nowMs))
  return isThrottled ? look(check, found, advice) : ok(check, found, advice)
}

const CALLERS_OF_OMNIUM = SENDERS.filter((sender) => sender !== 'flow-ingest')

const freshOf = (states: readonly ValueOf<'sync.cursors.v1'>[], nowMs: number) =>
  states.filter(({ sweptAt }) => nowMs - Date.parse(sweptAt) < HOUR_MS)

function judgeCircuits(target: Target, states: readonly ValueOf<'sync.cursors.v1'>[]): Finding {
  const check = circuitsOf(target)
  const bad = states.filter(({ mark }) => mark !== 'closed')
  if (bad.length === 0) {
    const found =
      states.length === 0
        ? 'no service has asked the target within the last hour'
        : `closed in ${states.length} ${states.length === 1 ? 'process' : 'processes'}`
    return ok(check, found)
  }
  const found = bad.map((it) => `${it.mark} in ${it.process} (${it.cause ?? 'no cause'})`).join(', ')
  const isUnauthorized = bad.some(({ cause }) => cause === 'unauthorized')
  const advice = `${isUnauthorized ? credentialsAdvice(target) : `Ask whether ${target} is down.`} The waiting records go on by themselves when the circuit closes.`
  return (bad.some(({ mark }) => mark === 'open') ? broken : look)(check, found, advice)
}

function limitsOf(states: readonly ValueOf<'sync.cursors.v1'>[]) {
  const sum = (field: 'requests' | 'throttled') => states.reduce((total, state) => total + (state[field] ?? 0), 0)
  const [requests, throttled] = [sum('requests'), sum('throttled')]
  return { requests, throttled, isThrottled: throttled > requests * TOLERABLE }
}

function judgeLimits(target: Target, states: readonly ValueOf<'sync.cursors.v1'>[]): Finding {
  const check = limitsOfHour(target)
  const { requests, throttled, isThrottled } = limitsOf(states)
  const found = `${throttled} of ${requests} requests were answered 429`
  if (!isThrottled) return ok(check, found)
  const advice =
    target === 'omnium'
      ? 'Find out who else uses the same API users of Omnium.'
      : 'Lower flow.requestsPerSecond and flow.maxInFlight for this tenant.'
  return look(check, found, advice)
}
