import { isDeepStrictEqual } from 'node:util'
import { seededChance } from './disturbance.ts'
import { type FaultRequest, faultMatches } from './fault-match.ts'
import { type FaultRule, type FaultStage, stageOf } from './fault-rule.ts'

export interface FaultState {
  readonly id: string
  readonly rule: FaultRule
  /** How often it struck. */
  readonly struck: number
  /** Requests that it holds now. */
  readonly held: number
  /** It stands in the configuration of its tenant. */
  readonly configured: boolean
}

/** How the wait of a request that a fault held ended: by its timer or `release`, or by its client or `abandon`. */
export type Held = 'released' | 'closed'

export interface StrikingFault {
  readonly id: string
  readonly rule: FaultRule
}

export interface Faults {
  add(rule: FaultRule): string
  /** The requests that it holds stay held. */
  remove(id: string): boolean
  /** Without an id all of them. Lets go what is held: a late request is handled, a hanging one is cut. How many. */
  release(id?: string): number
  /** Removes all; the requests that they hold stay held. */
  clear(): void
  list(): readonly FaultState[]
  /** Replaces the faults of a tenant's configuration. An unchanged one goes on counting. */
  configure(tenant: string, rules: readonly FaultRule[]): void
  /**
   * The faults of a stage that strike this request, in the order of their adding. In the stages `front` and `peer` these
   * are latencies, then at most one of another kind. In the stage `answer` these are at most one of each kind, and any
   * number of `answer-fields`. A fault that does not concern the answer is not counted.
   */
  strike(request: FaultRequest, stage: FaultStage, concerns?: (rule: FaultRule) => boolean): readonly StrikingFault[]
  /** Waits for `ms` (null: without end), a release, or the signal, which counts as closed. */
  hold(id: string, ms: number | null, signal?: AbortSignal): Promise<Held>
  /** Removes all, and cuts the requests that they hold, which are never handled. */
  abandon(): void
}

interface Known {
  readonly rule: FaultRule
  readonly configured: boolean
  /** Answers a number from 0 to 1, for `chance`. */
  readonly draw: () => number
  readonly untilMs: number
  seen: number
  struck: number
}

export function createFaults(now: () => number): Faults {
  const faults = new Map<string, Known>()
  const held = new Map<(end: Held) => void, string>()
  let added = 0

  const letGo = (end: Held, id?: string): number => {
    const those = [...held].filter(([, faultId]) => id === undefined || faultId === id)
    for (const [go] of those) go(end)
    return those.length
  }

  const add = (rule: FaultRule, configured: boolean): string => {
    added += 1
    const id = `fault-${added}`
    const untilMs = rule.forMs === undefined ? Infinity : now() + rule.forMs
    faults.set(id, { rule, configured, untilMs, draw: seededChance(rule.seed ?? added), seen: 0, struck: 0 })
    return id
  }

  const strikes = (fault: Known, request: FaultRequest, concerns: (rule: FaultRule) => boolean): boolean => {
    const { rule } = fault
    if (fault.struck >= (rule.count ?? Infinity) || now() >= fault.untilMs) return false
    if (!faultMatches(rule, request) || !concerns(rule)) return false
    fault.seen += 1
    if (fault.seen <= (rule.skip ?? 0)) return false
    if (rule.chance !== undefined && fault.draw() >= rule.chance) return false
    fault.struck += 1
    return true
  }

  return {
    add: (rule) => add(rule, false),
    configure(tenant, rules) {
      const wanted = rules.map((rule) => ({ ...rule, tenant }))
      for (const [id, { configured, rule }] of faults) {
        if (!configured || rule.tenant !== tenant) continue
        const index = wanted.findIndex((other) => isDeepStrictEqual(other, rule))
        if (index < 0) faults.delete(id)
        else wanted.splice(index, 1)
      }
      for (const rule of wanted) add(rule, true)
    },
    remove: (id) => faults.delete(id),
    release: (id) => letGo('released', id),
    clear: () => faults.clear(),
    list: () =>
      [...faults].map(([id, { rule, struck, configured }]) => ({
        id,
        rule,
        struck,
        configured,
        held: [...held.values()].filter((faultId) => faultId === id).length,
      })),
    strike(request, stage, concerns = () => true) {
      const striking: StrikingFault[] = []
      for (const [id, fault] of faults) {
        if (stageOf(fault.rule) !== stage) continue
        if (stage !== 'answer' && striking.some(({ rule }) => rule.kind !== 'latency')) break
        if (stage === 'answer' && isTaken(striking, fault.rule)) continue
        if (strikes(fault, request, concerns)) striking.push({ id, rule: fault.rule })
      }
      return striking
    },
    hold: (id, ms, signal) =>
      new Promise((resolve) => {
        const go = (end: Held) => {
          held.delete(go)
          clearTimeout(timer)
          signal?.removeEventListener('abort', closed)
          resolve(end)
        }
        const closed = () => go('closed')
        const timer = ms === null ? undefined : setTimeout(() => go('released'), ms)
        held.set(go, id)
        if (signal?.aborted) closed()
        signal?.addEventListener('abort', closed, { once: true })
      }),
    abandon() {
      faults.clear()
      letGo('closed')
    },
  }
}

const isTaken = (striking: readonly StrikingFault[], { kind }: FaultRule): boolean =>
  kind !== 'answer-fields' && striking.some(({ rule }) => rule.kind === kind)
