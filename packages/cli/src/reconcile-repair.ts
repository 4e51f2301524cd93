import { setTimeout as delay } from 'node:timers/promises'
import type { SyncOutcome } from '@sync/shared/contracts/sync-outcome'
import type { Targets } from '@sync/shared/http/targets'
import { keyOf, type Publisher } from '@sync/shared/kafka/publisher'
import type { Tenant } from '@sync/shared/tenants'
import type { Cluster } from './cluster.ts'
import { followOutcomes, outcomeEnds } from './outcomes.ts'
import type { Progress } from './progress.ts'
import type { Drift } from './reconcile-compare.ts'
import { isStillThere } from './reconcile-look.ts'

export interface RepairOptions {
  readonly cluster: Cluster
  readonly targets: Targets
  readonly tenant: Tenant
  readonly progress: Progress
  /** Drifts to be mended. */
  readonly total: number
  /** How long nothing may get better before the rest is given up, ms. */
  readonly patienceMs: number
}

export interface Repaired {
  readonly mended: number
  /** What is still wrong, and why as far as that is known. */
  readonly left: readonly (Drift & { readonly why: string })[]
}

/** Customers under repair at once, so that live changes don't wait for them. */
const WINDOW = 300
const LOOK_EVERY_MS = 1_000
const LOOKS_AT_ONCE = 10

interface Open {
  readonly drift: Drift
  /** Something has ended that concerns it since the last look. */
  isDue: boolean
}

/** Publishes what mends the drifts, and looks at both systems until it has been applied. */
export async function repair(drifts: AsyncIterable<Drift>, options: RepairOptions): Promise<Repaired> {
  const { cluster, targets, tenant, progress, total, patienceMs } = options
  const { signal } = cluster
  const publisher = await cluster.publisher()
  const open = new Set<Open>()
  const parked = new Map<string, string>()
  const left: (Drift & { why: string })[] = []
  let mended = 0
  let betterAt = Date.now()
  let isOver = false
  const following = followOutcomes(
    cluster,
    await outcomeEnds(cluster),
    (outcome) => take(outcome),
    () => isOver,
  )
  let failure: unknown
  following.catch((error: unknown) => {
    failure = error
  })
  const take = ({ tenant: uid, id, outcome, reason, service }: SyncOutcome) => {
    if (uid !== tenant.uid || outcome === 'deferred') return
    if (outcome === 'parked') parked.set(id, `${service} parked it: ${reason}`)
    for (const each of open) if (each.drift.customer === id || each.drift.related === id) each.isDue = true
  }

  /** One look at all that is due; what stays without an end for long is looked at too. */
  const look = async () => {
    const due = [...open].filter(({ isDue }) => isDue)
    const some = due.length > 0 ? due : [...open].slice(0, LOOKS_AT_ONCE)
    const work = some.values()
    const worker = async () => {
      for (const each of work) {
        each.isDue = false
        // To the end, so that those that nothing is heard of take turns.
        open.delete(each)
        open.add(each)
        if (await isStillThere(targets, tenant, each.drift, signal, true)) continue
        open.delete(each)
        betterAt = Date.now()
        progress.update(++mended + left.length, total)
      }
    }
    await Promise.all(Array.from({ length: LOOKS_AT_ONCE }, worker))
    for (const each of open) {
      const why = parked.get(each.drift.customer) ?? (each.drift.related && parked.get(each.drift.related))
      if (why === undefined) continue
      open.delete(each)
      left.push({ ...each.drift, why })
    }
  }
  const untilAtMost = async (n: number) => {
    while (open.size > n) {
      signal.throwIfAborted()
      if (failure !== undefined) throw failure
      await look()
      if (open.size > n && Date.now() - betterAt > patienceMs) {
        for (const { drift } of open) left.push({ ...drift, why: 'not applied in time: is everything running?' })
        open.clear()
      }
      if (open.size > n) await delay(LOOK_EVERY_MS, undefined, { signal })
    }
  }

  try {
    let chunk: Drift[] = []
    const publish = async () => {
      for (const drift of chunk) open.add({ drift, isDue: false })
      await publishCures(publisher, chunk)
      chunk = []
      betterAt = Date.now()
    }
    for await (const drift of drifts) {
      if (drift.cure === null) continue
      chunk.push(drift)
      if (chunk.length < WINDOW / 3) continue
      await untilAtMost(WINDOW - chunk.length)
      await publish()
    }
    await publish()
    await untilAtMost(0)
  } finally {
    isOver = true
    await following.catch(() => {})
  }
  return { mended, left }
}

/** Notifications and parent changes, each marked so that nobody drops it as known; each customer's notification once. */
async function publishCures(publisher: Publisher, drifts: readonly Drift[]): Promise<void> {
  const now = new Date().toISOString()
  const told = new Set<string>()
  for (const { tenant, customer, cure } of drifts) {
    if (cure === null) continue
    if (cure.by === 'flow-notification' || cure.by === 'omnium-notification') {
      const topic = cure.by === 'flow-notification' ? 'flow.notifications.v1' : 'omnium.notifications.v1'
      const place = `${topic} ${customer}`
      if (told.has(place)) continue
      told.add(place)
      const value = {
        ...{ tenant, entity: 'customer' as const, id: customer, via: 'repair' as const, action: null },
        ...{ kind: cure.by === 'omnium-notification' ? cure.kind : null, users: [], version: null },
        ...{ repair: true, receivedAt: now },
      }
      await publisher.publish(topic, [{ key: keyOf(tenant, customer), value }])
    } else if (cure.by === 'parent-observed') {
      const { parent, version } = cure
      const value = { type: cure.by, tenant, company: customer, parent, version, repair: true, notifiedAt: now }
      await publisher.publish('company.parent-changes.v1', [{ key: keyOf(tenant, customer), value }])
    } else {
      const { child, to, version } = cure
      const value = { type: cure.by, tenant, parent: customer, child, to, version, notifiedAt: now }
      await publisher.publish('company.parent-changes.v1', [{ key: keyOf(tenant, customer), value }])
    }
  }
}
