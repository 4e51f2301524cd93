import { expect } from 'vitest'
import { classifyFailure, SyncError, type Target } from '../../errors.ts'
import { type Circuits, createCircuits } from '../../http/circuits.ts'
import { aCall, aTenant } from '../builders.ts'
import { createManualTime, type ManualTime } from '../manual-time.ts'

/** What a target says to a request: null is an answer. */
export type Says = 'failing' | 'forbidden' | 'unreachable' | 'throttled' | null
export interface Asked {
  readonly tenant: string
  readonly target: Target
  /** `sync-probe` is the circuit's own. */
  readonly key: string
  readonly isWrite: boolean
  readonly atMs: number
}

/** Keys that are read and written through the circuits until they are done, or parked after five attempts of their own. */
export interface KeysAndCircuits {
  readonly circuits: Circuits
  readonly time: ManualTime
  /** Requests that reached the target, probes included. */
  readonly requests: readonly (Asked & { readonly isOpen: boolean })[]
  readonly ends: ReadonlyMap<string, { readonly how: 'done' | 'parked'; readonly afterMs: number }>
  enter(key: string, tenant?: string, target?: Target): void
}

const MAX_ATTEMPTS = 5
const errorOf = (says: Exclude<Says, null>) => {
  switch (says) {
    case 'failing':
      return new SyncError('target-failed', 'asking: 503', { status: 503 })
    case 'forbidden':
      return new SyncError('target-unauthorized', 'asking: 403', { status: 403 })
    case 'unreachable':
      return new SyncError('target-unreachable', 'asking: refused')
    case 'throttled':
      return new SyncError('target-throttled', 'asking: 429', { status: 429, retryAfterMs: 5_000 })
  }
}

export function simulateKeys(seed: number, target: (asked: Asked) => Says): KeysAndCircuits {
  const time = createManualTime(0)
  let state = (seed % 2_147_483_646) + 1
  const random = () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_648
  }
  const tenants = new Map(['acme', 'bolt'].map((uid) => [uid, aTenant({ uid })]))
  const requests: (Asked & { isOpen: boolean })[] = []
  const ask = (tenant: string, of: Target, key: string, isWrite: boolean) =>
    new Promise<void>((resolve, reject) => {
      requests.push({
        tenant,
        target: of,
        key,
        isWrite,
        atMs: time.now(),
        isOpen: circuits.state(tenant, of) === 'open',
      })
      time.schedule(
        () => {
          const says = target({ tenant, target: of, key, isWrite, atMs: time.now() })
          if (says === null) resolve()
          else reject(errorOf(says))
        },
        5 + random() * 50,
      )
    })
  const circuits: Circuits = createCircuits({
    probe: (tenant, of) => ask(tenant.uid, of, 'sync-probe', false),
    now: time.now,
    random,
    schedule: time.schedule,
  })
  const ends = new Map<string, { how: 'done' | 'parked'; afterMs: number }>()
  const woken = new Map<string, () => void>()

  const run = async (key: string, tenant: string, of: Target, enteredAt: number, attempts: number): Promise<void> => {
    const again = (ms: number, counted: number, isWoken: boolean) => {
      const name = `${of}/${tenant}/${key}`
      const go = () => {
        cancel()
        woken.delete(name)
        void run(key, tenant, of, enteredAt, counted)
      }
      const cancel = time.schedule(go, Math.max(1, ms))
      if (isWoken) woken.set(name, go)
    }
    const admission = circuits.admit(tenant, of, key)
    if (!admission.admitted) return again(admission.retryAtMs - time.now(), attempts, true)
    const call = aCall({ tenant: tenants.get(tenant)!, key })
    try {
      await circuits.guard(call, of, false, () => ask(tenant, of, key, false))
      await circuits.guard(call, of, true, () => ask(tenant, of, key, true))
      ends.set(key, { how: 'done', afterMs: time.now() - enteredAt })
    } catch (error) {
      if (!(error instanceof SyncError)) throw error
      const isUncounted = classifyFailure(error) === 'outage'
      const counted = isUncounted ? attempts : attempts + 1
      if (counted >= MAX_ATTEMPTS) ends.set(key, { how: 'parked', afterMs: time.now() - enteredAt })
      else again(isUncounted ? (error.retryAfterMs ?? random() * 1_000) : random() * 500 * 2 ** counted, counted, false)
    }
  }
  circuits.onChange((tenant, of, phase) => {
    if (phase === 'open') return
    for (const [name, go] of [...woken]) if (name.startsWith(`${of}/${tenant}/`)) go()
  })
  return {
    circuits,
    time,
    requests,
    ends,
    enter: (key, tenant = 'acme', of = 'omnium') => void run(key, tenant, of, time.now(), 0),
  }
}

/** Half-open, it may be that nobody was left to show that all is well: then the next key does, at once. */
export const expectClosed = async ({ time, ends, enter, circuits, requests }: KeysAndCircuits): Promise<void> => {
  enter('last')
  await time.advance(2_000)

  expect(ends.get('last')?.how).toBe('done')
  expect(circuits.state('acme', 'omnium')).toBe('closed')
  expect(requests.filter(({ key, isOpen }) => isOpen && key !== 'sync-probe')).toEqual([])
}
