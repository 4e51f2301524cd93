import { Pool } from 'undici'
import { type Disturbance, fateOf } from './disturbance.ts'
import type { DeliveryEntry } from './journal.ts'
import { signedRequest, type WebhookTarget } from './webhook-auth.ts'
import type { RetryPolicy } from './webhook-retries.ts'

/** One thin event. `action` is the peer's own word, for the journal. */
export interface Delivery {
  readonly tenant: string
  readonly objectId: string
  readonly action: string
  readonly body: unknown
}

export interface WebhookSenderOptions {
  /** Asked before each attempt; null: the tenant gets no webhooks. */
  readonly targetOf: (tenant: string) => WebhookTarget | null
  readonly retries: RetryPolicy
  readonly patienceMs: number
  readonly maxInFlight: number
  /** How long a reordered delivery waits for a later one. */
  readonly reorderHoldMs: number
  readonly now: () => number
  readonly onAttempt: (attempt: Omit<DeliveryEntry, 'kind' | 'seq' | 'at'>) => void
}

export interface WebhookCounts {
  readonly sent: number
  readonly delivered: number
  readonly dropped: number
  readonly gaveUp: number
  readonly lost: number
  readonly off: number
  /** Not at its end: queued, in flight, held back, or waiting for its next attempt. */
  readonly pending: number
}

export interface WebhookSender {
  send(delivery: Delivery): void
  disturb(disturbance: Disturbance | null): void
  counts(): WebhookCounts
  /** Resolves once nothing is pending, or it is closed. */
  idle(): Promise<void>
  /** What is pending is given up. */
  close(): Promise<void>
}

interface Sending extends Delivery {
  readonly id: string
  readonly text: string
  attempt: number
}

type End = DeliveryEntry['end']
const COUNTED = {
  delivered: 'delivered',
  dropped: 'dropped',
  'gave-up': 'gaveUp',
  lost: 'lost',
  off: 'off',
} as const

export function createWebhookSender(options: WebhookSenderOptions): WebhookSender {
  const pools = new Map<string, Pool>()
  const stopped = new AbortController()
  const timers = new Set<NodeJS.Timeout>()
  const counts = { sent: 0, delivered: 0, dropped: 0, gaveUp: 0, lost: 0, off: 0, pending: 0 }
  const queue: Sending[] = []
  const held: Sending[] = []
  const waiting = new Set<() => void>()
  let disturbance: Disturbance | null = null
  let inFlight = 0
  let head = 0

  const after = (delayMs: number, run: () => void) => {
    const timer = setTimeout(() => {
      timers.delete(timer)
      run()
    }, delayMs)
    timers.add(timer)
  }

  const note = (sending: Sending, status: number | null, end: End) => {
    const { id: deliveryId, tenant, objectId, action, attempt } = sending
    options.onAttempt({ deliveryId, tenant, objectId, action, attempt, status, end })
    if (end === 'retrying') return
    counts[COUNTED[end]] += 1
    counts.pending -= 1
    if (counts.pending > 0) return
    for (const resolve of waiting) resolve()
    waiting.clear()
  }

  const poolOf = (origin: string): Pool => {
    const pool = pools.get(origin) ?? new Pool(origin, { connections: options.maxInFlight, keepAliveTimeout: 1000 })
    pools.set(origin, pool)
    return pool
  }

  const post = async (target: WebhookTarget, sending: Sending): Promise<number | null> => {
    const timestampSeconds = Math.floor(options.now() / 1000)
    const { url, headers } = signedRequest(target, { id: sending.id, timestampSeconds, body: sending.text })
    const { origin, pathname, search } = new URL(url)
    const path = pathname + search
    const signal = AbortSignal.any([stopped.signal, AbortSignal.timeout(options.patienceMs)])
    try {
      const answer = await poolOf(origin).request({ method: 'POST', path, headers, body: sending.text, signal })
      await answer.body.dump()
      return answer.statusCode
    } catch {
      return null
    }
  }

  const attempt = async (sending: Sending): Promise<void> => {
    sending.attempt += 1
    const target = options.targetOf(sending.tenant)
    if (!target) return note(sending, null, 'off')
    const status = await post(target, sending)
    if (stopped.signal.aborted) return
    const delayMs = options.retries(sending.attempt, status)
    if (delayMs === null) return note(sending, status, endOf(status))
    note(sending, status, 'retrying')
    after(delayMs, () => enqueue(sending))
  }

  // Taken by a moving head: shifting a queue of 100,000 events would copy it for every one of them.
  const taken = (): Sending | undefined => {
    const sending = queue[head]
    head += sending ? 1 : 0
    if (head > 1000 && head * 2 > queue.length) {
      queue.splice(0, head)
      head = 0
    }
    return sending
  }

  const work = () => {
    while (inFlight < options.maxInFlight && !stopped.signal.aborted) {
      const sending = taken()
      if (!sending) return
      inFlight += 1
      void attempt(sending).finally(() => {
        inFlight -= 1
        work()
      })
    }
  }

  const enqueue = (...sendings: Sending[]) => {
    queue.push(...sendings)
    work()
  }

  const prepared = (delivery: Delivery): Sending => {
    counts.sent += 1
    counts.pending += 1
    return { ...delivery, id: `msg_${counts.sent}`, text: JSON.stringify(delivery.body), attempt: 0 }
  }

  return {
    send(delivery) {
      if (stopped.signal.aborted) return
      const sending = prepared(delivery)
      const fate = fateOf(disturbance)
      if (fate === 'drop') return note(sending, null, 'lost')
      if (fate === 'reorder') {
        held.push(sending)
        return after(options.reorderHoldMs, () => enqueue(...held.splice(0)))
      }
      const twice = fate === 'duplicate' ? [{ ...prepared(delivery), id: sending.id }] : []
      enqueue(sending, ...twice, ...held.splice(0))
    },
    disturb(next) {
      disturbance = next
    },
    counts: () => ({ ...counts }),
    idle: () =>
      counts.pending === 0 || stopped.signal.aborted
        ? Promise.resolve()
        : new Promise((resolve) => void waiting.add(() => resolve())),
    async close() {
      stopped.abort()
      for (const timer of timers) clearTimeout(timer)
      timers.clear()
      queue.length = 0
      held.length = 0
      for (const resolve of waiting) resolve()
      waiting.clear()
      await Promise.all([...pools.values()].map((pool) => pool.destroy()))
    },
  }
}

/** What an answer that is not retried means. */
function endOf(status: number | null): End {
  if (status === null || status >= 500) return 'gave-up'
  if (status < 300) return 'delivered'
  return status < 400 ? 'gave-up' : 'dropped'
}
