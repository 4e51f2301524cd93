import type { SweepCursor } from './contracts/sweep-cursor.ts'
import type { IngestConfig } from './ingest.ts'
import { createCursorStore } from './kafka/cursor-store.ts'
import type { KnownVersions } from './kafka/known-versions.ts'
import type { Part } from './lifecycle.ts'
import type { ServiceContext } from './service-context.ts'
import { BEFORE_FIRST_MS, type Sweep, type SweepPorts } from './sweep.ts'
import { createSweeper } from './sweeper.ts'
import { untilReachable } from './until-reachable.ts'

/** Sweeps every interval, and deeper every SWEEP_DEEP_INTERVAL_MS, from the first `round` on; SWEEP_INTERVAL_MS 0: never. */
export interface Sweeping extends Part {
  /** Sweeps what is ours now; the service knows by then what its partitions hold. */
  round(): void
  /** The change that the next sweep may meet again (ms since the epoch), or a little before. */
  sinceMs(): Promise<number>
}

export interface SweepingOptions {
  readonly source: 'flow' | 'omnium'
  readonly known: KnownVersions
  readonly sweep: (ports: SweepPorts) => Sweep
}

const MARGIN_MS = 60_000
const LONGEST_MS = 24 * 3_600_000

/** The service does not wait for the marks to take webhooks. */
export function createSweeping(
  context: ServiceContext<IngestConfig>,
  { source, known, sweep: createSweep }: SweepingOptions,
): Sweeping {
  const { config, publisher, metrics, logger, tenants, owns } = context
  const cursors = createCursorStore({
    kafka: context.connectKafka('cursors'),
    codec: context.codec,
    publisher,
    prefix: config.topicPrefix,
    groupId: `${config.topicPrefix}${source}-ingest.cursors.${config.serviceInstanceId}.${process.pid}`,
    logger,
  })
  const sweep = createSweep({
    publisher,
    cursors,
    known,
    found: (tenant, entity, count) => metrics.sweepFoundTotal.inc({ tenant, source, entity }, count),
    overlapMs: config.sweepOverlapMs,
    deepLookbackMs: config.sweepDeepLookbackMs,
    logger,
    now: Date.now,
  })
  /** By tenant and entity; an age is only right at the moment of a scrape. */
  const sweptAt = new Map<string, { labels: { tenant: string; source: string; entity: string }; at: number }>()
  const sweeper = createSweeper({
    sweep,
    tenants,
    owns,
    intervalMs: config.sweepIntervalMs,
    cursors,
    lastSwept(tenant, entity, at) {
      const labels = { tenant, source, entity }
      if (at !== null) sweptAt.set(`${tenant}\u0000${entity}`, { labels, at })
      else if (sweptAt.delete(`${tenant}\u0000${entity}`)) metrics.sweepMarkAgeSeconds.remove(labels)
    },
    logger,
    now: Date.now,
  })
  const deepSweeper = createSweeper({
    // Without entities: how old the marks are is the other sweeper's to tell.
    sweep: { ...sweep, entities: [], sweepTenant: (tenant, signal) => sweep.sweepTenant(tenant, signal, 'deep') },
    ...{ tenants, owns, cursors, lastSwept: () => {}, logger, now: Date.now },
    intervalMs: config.sweepDeepIntervalMs,
  })
  metrics.onScrape(() => {
    for (const { labels, at } of sweptAt.values()) {
      metrics.sweepMarkAgeSeconds.set(Math.max(0, Date.now() - at) / 1000, labels)
    }
  })
  const isOff = config.sweepIntervalMs === 0
  const marksRead = Promise.withResolvers<boolean>()
  const stopping = new AbortController()
  let isSweeping = false

  const markOf = async (tenant: string, entity: SweepCursor['entity']) => {
    const cursor = await cursors.get(tenant, source, entity)
    return cursor === null ? [] : [Date.parse(cursor.mark)]
  }

  return {
    name: 'sweep',
    round() {
      if (isOff || stopping.signal.aborted) return
      void marksRead.promise.then(async (isRead) => {
        if (stopping.signal.aborted || !isRead) return
        if (isSweeping) {
          // What was gained is swept deep at the next interval: the depth leaves time for that.
          deepSweeper.disown()
          return void sweeper.round()
        }
        isSweeping = true
        await sweeper.start()
        await deepSweeper.start()
      })
    },
    async sinceMs() {
      const now = Date.now()
      if (isOff || !(await marksRead.promise)) return now - BEFORE_FIRST_MS
      const uids = tenants()
        .all()
        .map(({ uid }) => uid)
      const marks = await Promise.all(uids.flatMap((uid) => sweep.entities.map((entity) => markOf(uid, entity))))
      const deep = config.sweepDeepIntervalMs === 0 ? [] : [now - config.sweepDeepLookbackMs]
      const oldest = Math.min(now - BEFORE_FIRST_MS, ...deep, ...marks.flat())
      return Math.max(oldest - config.sweepOverlapMs - MARGIN_MS, now - LONGEST_MS)
    },
    async start() {
      if (isOff) return
      const { signal } = stopping
      untilReachable({ what: 'the marks of the sweeps', attempt: cursors.start, final: [], logger, signal })
        .then(() => marksRead.resolve(true))
        .catch(() => marksRead.resolve(false))
    },
    async stop() {
      stopping.abort()
      marksRead.resolve(false)
      await Promise.all([sweeper.stop(), deepSweeper.stop(), isOff ? null : cursors.stop()])
    },
  }
}
