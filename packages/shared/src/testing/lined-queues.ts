import { expect } from 'vitest'
import { createKeyQueues } from '../kafka/key-queues.ts'
import type { Queued } from '../kafka/queued.ts'

export const tenantOf = (key: string) => key.split(':')[0]!
export const aRecord = (key: string, lane: boolean): Queued => ({
  key,
  tenant: tenantOf(key),
  lane,
  bytes: 1,
  dueAt: 0,
})

/** Key queues in which everything is due, and the lines that keys ought to stand in, by tenant and by what they hold. */
export const linedQueues = (slots: number, isShared = false) => {
  const queues = createKeyQueues<Queued>(slots, () => isShared)
  const lines = { live: new Map<string, string[]>(), lane: new Map<string, string[]>() }
  const held = new Map<string, Queued[]>()
  const taken = new Map<string, 'live' | 'lane'>()
  const lineOf = (key: string) => (held.get(key)!.every(({ lane }) => lane) ? 'lane' : 'live')
  const line = (key: string, which: 'live' | 'lane') => {
    const tenant = tenantOf(key)
    lines[which].set(tenant, [...(lines[which].get(tenant) ?? []), key])
  }
  const unline = (key: string, which: 'live' | 'lane') => {
    const left = lines[which].get(tenantOf(key))?.filter((each) => each !== key) ?? []
    if (left.length === 0) lines[which].delete(tenantOf(key))
    else lines[which].set(tenantOf(key), left)
  }
  return {
    lines,
    taken,
    inFlightOf: (which: 'live' | 'lane') => [...taken.values()].filter((each) => each === which).length,
    servedTenants: () => new Set([...taken.keys()].map(tenantOf)),
    /** A tenant that stands in the line can't be refused a free slot: it is alone, or has none yet. */
    isEntitled(which: 'live' | 'lane') {
      const served = this.servedTenants()
      return [...lines[which].keys()].some((tenant) => !isShared || !served.has(tenant))
    },
    add(key: string, lane: boolean) {
      const before = held.has(key) ? lineOf(key) : null
      const record = aRecord(key, lane)
      held.set(key, [...(held.get(key) ?? []), record])
      queues.add(record, 0)
      if (taken.has(key) || before === lineOf(key)) return
      if (before !== null) unline(key, before)
      line(key, lineOf(key))
    },
    /** The key and the line it was taken from. */
    take(): { key: string; which: 'live' | 'lane' } | null {
      const next = queues.take(0)
      if (next === null) return null
      const which = lineOf(next.key)
      expect(lines[which].get(tenantOf(next.key))?.[0]).toBe(next.key)
      unline(next.key, which)
      taken.set(next.key, which)
      return { key: next.key, which }
    },
    /** Takes a live key of the tenant without a slot, and releases the key at once. */
    spill(tenant: string, keep: number) {
      const key = queues.takeSurplus(tenant)?.key ?? null
      if (key === null) expect(lines.live.get(tenant) ?? []).toEqual([])
      else expect(lines.live.get(tenant)).toContain(key)
      if (key === null) return
      unline(key, 'live')
      this.finish(key, keep)
    },
    /** Ends all records of a taken key but the last `keep`. */
    finish(key: string, keep: number) {
      const records = held.get(key)!
      for (const record of records.slice(0, records.length - keep)) queues.remove(record)
      const left = keep === 0 ? [] : records.slice(-keep)
      held.set(key, left)
      taken.delete(key)
      if (left.length === 0) held.delete(key)
      else line(key, lineOf(key))
      queues.release(key, 0)
    },
    /** By somebody who has it not: nothing changes. */
    releaseUntaken(key: string) {
      if (!taken.has(key)) queues.release(key, 0)
    },
    drop(tenant: string) {
      queues.drop((record) => record.tenant === tenant)
      for (const key of [...held.keys()].filter((each) => tenantOf(each) === tenant)) {
        if (taken.has(key)) held.set(key, [])
        else held.delete(key)
      }
      lines.live.delete(tenant)
      lines.lane.delete(tenant)
    },
  }
}
