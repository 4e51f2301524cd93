import { setTimeout } from 'node:timers/promises'
import type { SweepCursor } from './contracts/sweep-cursor.ts'
import type { Part } from './lifecycle.ts'
import type { Logger } from './logger.ts'
import type { CursorStore, Sweep } from './sweep.ts'
import type { Tenant, Tenants } from './tenants.ts'

export interface SweeperOptions {
  readonly sweep: Pick<Sweep, 'source' | 'entities' | 'sweepTenant'>
  readonly cursors: Pick<CursorStore, 'get'>
  readonly tenants: () => Tenants
  /** Whether this member owns the partition that a key hashes to; asked with a tenant's uid. */
  readonly owns: (key: string) => boolean
  /** 0: no sweeps. */
  readonly intervalMs: number
  /**
   * When a list was last swept to its end (ms since the epoch), or became ours without ever having been; null once it is
   * another member's to tell. (The mark itself is a modification time: its age grows in every quiet night and would tell
   * nothing.)
   */
  readonly lastSwept: (tenantUid: string, entity: SweepCursor['entity'], atMs: number | null) => void
  readonly logger: Pick<Logger, 'error'>
  /** ms since the epoch. */
  readonly now: () => number
  readonly wait?: (ms: number, signal: AbortSignal) => Promise<unknown>
}

/** Tenants whose sweeps begin in the same second. */
const AT_ONCE = 20

/** Sweeps the tenants that this member owns, at once and then every interval; a tenant never twice at a time. */
export interface Sweeper extends Part {
  /** Aborts what is under way and waits for it. */
  stop(): Promise<void>
  /** One round, ended when all its sweeps have, whatever came of them: also for a change of assignment. */
  round(): Promise<void>
  /** Aborts the sweeps of tenants that this member no longer owns. */
  disown(): void
}

export function createSweeper(options: SweeperOptions): Sweeper {
  const { sweep, cursors, tenants, owns, intervalMs, lastSwept, logger, now } = options
  const wait = options.wait ?? ((ms, signal) => setTimeout(ms, undefined, { signal }))
  const stopping = new AbortController()
  const running = new Map<string, { readonly abort: AbortController; readonly ended: Promise<void> }>()
  /** When each tenant became ours: a tenant that was never swept is as old as that. */
  const ownedSince = new Map<string, number>()
  let loop: Promise<void> = Promise.resolve()

  const report = async (tenant: Tenant) => {
    for (const entity of sweep.entities) {
      const cursor = await cursors.get(tenant.uid, sweep.source, entity)
      const owned = ownedSince.get(tenant.uid)
      // Another member's meanwhile: it is no longer ours to tell.
      if (owned === undefined) return
      lastSwept(tenant.uid, entity, cursor === null ? owned : Date.parse(cursor.sweptAt))
    }
  }

  const sweepOne = async (tenant: Tenant, delayMs: number, signal: AbortSignal) => {
    try {
      await report(tenant)
      if (delayMs > 0) await wait(delayMs, signal)
      signal.throwIfAborted()
      await sweep.sweepTenant(tenant, signal)
      if (!signal.aborted) await report(tenant)
    } catch (err) {
      if (!signal.aborted) logger.error({ err, tenant: tenant.uid }, 'sweeping failed; the next round tries again')
    } finally {
      running.delete(tenant.uid)
    }
  }

  const begin = () => {
    const owned = tenants()
      .all()
      .filter(({ uid }) => owns(uid))
    disown()
    for (const [index, tenant] of owned.entries()) {
      if (stopping.signal.aborted || running.has(tenant.uid)) continue
      if (!ownedSince.has(tenant.uid)) ownedSince.set(tenant.uid, now())
      const abort = new AbortController()
      // The sweep's first step is asynchronous, so `running` holds it before it can end.
      const delayMs = Math.min(Math.floor(index / AT_ONCE) * 1_000, intervalMs / 2)
      const ended = sweepOne(tenant, delayMs, AbortSignal.any([abort.signal, stopping.signal]))
      running.set(tenant.uid, { abort, ended })
    }
  }

  const settled = async () => {
    await Promise.all([...running.values()].map(({ ended }) => ended))
  }

  const round = async () => {
    if (intervalMs === 0) return
    try {
      begin()
    } catch (err) {
      logger.error({ err }, 'starting sweeps failed; the next round tries again')
    }
    await settled()
  }

  /** Another member sweeps them now: two for a moment do no harm, two for hours would double the calls. */
  const disown = () => {
    for (const uid of [...ownedSince.keys()].filter((uid) => !owns(uid) || tenants().get(uid) === undefined)) {
      ownedSince.delete(uid)
      running.get(uid)?.abort.abort()
      for (const entity of sweep.entities) lastSwept(uid, entity, null)
    }
  }

  const run = async () => {
    while (!stopping.signal.aborted) {
      // Not awaited: a tenant that catches up for hours must not hold up the others.
      void round()
      await wait(intervalMs, stopping.signal).catch((error: unknown) => {
        if (!stopping.signal.aborted) throw error
      })
    }
  }

  return {
    name: 'sweeper',
    async start() {
      if (intervalMs > 0) loop = run()
    },
    async stop() {
      stopping.abort()
      await loop
      await settled()
    },
    round,
    disown,
  }
}
