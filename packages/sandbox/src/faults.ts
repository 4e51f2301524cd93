import { isObject } from './fields.ts'

/**
 * - `latency`: answered after `latencyMs`
 * - `status`: answered with `status` (and `retryAfterSeconds`) instead of being handled
 * - `reset`: the connection is reset before anything is handled
 * - `reply-lost`: handled, then the connection is closed instead of the reply
 * - `hang`: neither handled nor answered
 * - `late`: never answered, but handled after `delayMs`, or when it is released
 */
export const FAULT_KINDS = ['latency', 'status', 'reset', 'reply-lost', 'hang', 'late'] as const
export type FaultKind = (typeof FAULT_KINDS)[number]

/** What matches is the conjunction of all that is given; nothing given matches every request. */
export interface FaultRule {
  readonly kind: FaultKind
  readonly method?: string | undefined
  /** The decoded path, without the query; `*` stands for any run of characters, slashes too. */
  readonly path?: string | undefined
  readonly tenant?: string | undefined
  /** A part of the decoded path or of the JSON body. */
  readonly contains?: string | undefined
  /** Exactly this id: a segment of the path, or the body's customerId or customerUid. */
  readonly customerId?: string | undefined
  /** How many matching requests pass before it begins. */
  readonly skip?: number | undefined
  /** How many requests it strikes; absent: until it is removed. */
  readonly count?: number | undefined
  readonly status?: number | undefined
  readonly retryAfterSeconds?: number | undefined
  /** Waited first, whatever the kind. */
  readonly latencyMs?: number | undefined
  /** `late`: absent means until released. */
  readonly delayMs?: number | undefined
}

export interface FaultRequest {
  readonly method: string
  /** As it came: percent-encoded, without the query. */
  readonly path: string
  readonly tenant: string | null
  readonly body: unknown
}

export interface FaultState {
  readonly id: string
  readonly rule: FaultRule
  /** How often it struck. */
  readonly struck: number
  /** Requests that it holds now. */
  readonly held: number
}

/** How the wait of a request that a fault held ended: by its timer or `release`, or by its client or `abandon`. */
export type Held = 'released' | 'closed'

export interface Faults {
  add(rule: FaultRule): string
  /** The requests that it holds stay held. */
  remove(id: string): boolean
  /** Without an id all of them. Lets go what is held: a late request is handled, a hanging one is cut. How many. */
  release(id?: string): number
  /** Removes all; the requests that they hold stay held. */
  clear(): void
  list(): readonly FaultState[]
  /** The faults that strike this request, in the order of their adding: latencies, then at most one of another kind. */
  strike(request: FaultRequest): readonly { readonly id: string; readonly rule: FaultRule }[]
  /** Waits for `ms` (null: without end), a release, or the signal, which counts as closed. */
  hold(id: string, ms: number | null, signal?: AbortSignal): Promise<Held>
  /** Removes all, and cuts the requests that they hold, which are never handled. */
  abandon(): void
}

export function createFaults(): Faults {
  const faults = new Map<string, { rule: FaultRule; seen: number; struck: number }>()
  const held = new Map<(end: Held) => void, string>()
  let added = 0

  const letGo = (end: Held, id?: string): number => {
    const those = [...held].filter(([, faultId]) => id === undefined || faultId === id)
    for (const [go] of those) go(end)
    return those.length
  }

  return {
    add(rule) {
      added += 1
      const id = `fault-${added}`
      faults.set(id, { rule, seen: 0, struck: 0 })
      return id
    },
    remove: (id) => faults.delete(id),
    release: (id) => letGo('released', id),
    clear: () => faults.clear(),
    list: () =>
      [...faults].map(([id, { rule, struck }]) => ({
        id,
        rule,
        struck,
        held: [...held.values()].filter((faultId) => faultId === id).length,
      })),
    strike(request) {
      const striking: { id: string; rule: FaultRule }[] = []
      for (const [id, fault] of faults) {
        if (striking.some(({ rule }) => rule.kind !== 'latency')) break
        if (fault.struck >= (fault.rule.count ?? Infinity) || !faultMatches(fault.rule, request)) continue
        fault.seen += 1
        if (fault.seen <= (fault.rule.skip ?? 0)) continue
        fault.struck += 1
        striking.push({ id, rule: fault.rule })
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

/** Whether a rule is about this request. */
export function faultMatches(rule: FaultRule, request: FaultRequest): boolean {
  if (rule.method !== undefined && rule.method.toUpperCase() !== request.method) return false
  if (rule.tenant !== undefined && rule.tenant !== request.tenant) return false
  const path = decoded(request.path)
  if (rule.path !== undefined && !globMatches(rule.path, path)) return false
  if (rule.customerId !== undefined && !namesCustomer(rule.customerId, request)) return false
  if (rule.contains === undefined) return true
  return path.includes(rule.contains) || (JSON.stringify(request.body) ?? '').includes(rule.contains)
}

function globMatches(glob: string, path: string): boolean {
  const parts = glob.split('*')
  const literals = parts.map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${literals.join('.*')}$`, 's').test(path)
}

function namesCustomer(customerId: string, { path, body }: FaultRequest): boolean {
  if (path.split('/').some((segment) => decoded(segment) === customerId)) return true
  return isObject(body) && (body.customerId === customerId || body.customerUid === customerId)
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
