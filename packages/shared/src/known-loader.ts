import { hash } from 'node:crypto'
import type { Codec } from './contracts/codec.ts'
import type { ValueOf } from './contracts/contracts.ts'
import { SyncError } from './errors.ts'
import { type Known, type KnownVersions, objectOf } from './kafka/known-versions.ts'
import { keyOf } from './kafka/publisher.ts'
import type { TopicTailOptions } from './kafka/topic-tail.ts'
import type { ContractTopic } from './kafka/topics.ts'
import type { Logger } from './logger.ts'

type SnapshotTopic = Extract<
  ContractTopic,
  'flow.customers.v1' | 'flow.orders.v1' | 'omnium.customers.v1' | 'omnium.orders.v1'
>

/** A record as its source answered it, told from another version of it. */
export const hashOfBody = (body: unknown): string => hash('sha256', JSON.stringify(body), 'base64url')

export interface KnownLoaderOptions {
  readonly source: 'flow' | 'omnium'
  readonly known: KnownVersions
  /** Reads the ends of the snapshot topics; see kafka/topic-tail.ts. */
  readonly readTails: (options: Pick<TopicTailOptions, 'topics' | 'sinceMs' | 'signal' | 'take'>) => Promise<void>
  readonly codec: Pick<Codec, 'decode'>
  readonly prefix: string
  /** From where a sweep may see something again (ms since the epoch). */
  readonly sinceMs: () => Promise<number>
  readonly logger: Pick<Logger, 'info' | 'warn'>
}

/**
 * Learns from the snapshot topics what a member before this one has written, so that the first sweep does not read all of
 * its overlap again, and a replica that lags does not undo it. Best effort: what it doesn't learn costs a read more.
 */
export interface KnownLoader {
  /** For the keys for which `owns` holds. Never rejects. */
  load(owns: (key: string) => boolean, signal: AbortSignal): Promise<void>
}

const PATIENCE_MS = 30_000

export function createKnownLoader(options: KnownLoaderOptions): KnownLoader {
  const { source, known, codec, prefix, logger } = options
  const customers: SnapshotTopic = `${source}.customers.v1`
  const orders: SnapshotTopic = `${source}.orders.v1`

  const learn = async (topic: SnapshotTopic, value: Buffer, found: Map<string, Found>) => {
    const snapshot: ValueOf<SnapshotTopic> = await codec.decode(topic, value)
    const { tenant, id, version } = snapshot
    const entity = 'order' in snapshot ? 'order' : 'customer'
    const kind = 'kind' in snapshot ? snapshot.kind : null
    const body = 'order' in snapshot ? snapshot.order : snapshot.customer
    found.set(objectOf(tenant, entity, kind, id), { key: keyOf(tenant, id), version, hash: hashOfBody(body) })
  }
  /** A tombstone names no kind: it stands for all of them. */
  const forget = (key: string, found: Map<string, Found>) => {
    const colon = key.indexOf(':')
    for (const kind of [null, 'B2C', 'B2B'] as const) {
      const object = objectOf(key.slice(0, colon), 'customer', kind, key.slice(colon + 1))
      if (kind === null || found.has(object)) found.set(object, { key, version: null, hash: null })
    }
  }

  return {
    async load(owns, signal) {
      const found = new Map<string, Found>()
      const patience = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)])
      try {
        await options.readTails({
          topics: [customers, orders].map((topic) => prefix + topic),
          sinceMs: await options.sinceMs(),
          signal: patience,
          async take(name, { key, value }) {
            const topic = name === prefix + customers ? customers : orders
            if (value === null) return forget(key?.toString('utf8') ?? '', found)
            await learn(topic, value, found).catch((error: unknown) => {
              // Whoever reads the topic for its records will complain of it.
              if (!(error instanceof SyncError)) throw error
            })
          },
        })
      } catch (error) {
        if (!signal.aborted) logger.warn({ err: error }, 'reading known versions failed: some records are read again')
      }
      let count = 0
      for (const [object, { key, ...version }] of found) {
        // What was written since we own the key is newer.
        if (!owns(key) || known.get(object) !== undefined) continue
        known.set(object, version)
        count++
      }
      if (count > 0) logger.info({ count }, 'known versions read from the snapshot topics')
    },
  }
}

interface Found extends Known {
  readonly key: string
}
