import { LRUCache } from 'lru-cache'
import type { Notification } from '../contracts/notification.ts'
import { keyOf } from './publisher.ts'

/** What we last saw of an object. */
export interface Known {
  /** The source's modification time; null when it names none. */
  readonly version: string | null
  /** Of the record as the source answered it; null when the last thing written was its tombstone. */
  readonly hash: string | null
}

/**
 * What was last written to a snapshot topic, by object. Bounded, and only a means to save calls and repeats: a forgotten
 * entry costs one write more. `keep` belongs to every change of assignment, because another member may write the lost
 * keys from then on.
 */
export interface KnownVersions {
  get(object: string): Known | undefined
  /** Only after the write was acknowledged: an entry that is ahead of its topic would hide a lost record. */
  set(object: string, known: Known): void
  /** Forgets the objects whose key `owns` doesn't hold for. */
  keep(owns: (key: string) => boolean): void
}

export function createKnownVersions(max = 100_000): KnownVersions {
  const entries = new LRUCache<string, Known>({ max })
  return {
    get: (object) => entries.get(object),
    set: (object, known) => void entries.set(object, known),
    keep(owns) {
      for (const object of [...entries.keys()]) if (!owns(keyOfObject(object))) entries.delete(object)
    },
  }
}

/** One object of a source: customers and orders have ids of their own, and so have Omnium's two kinds of customers. */
export const objectOf = (
  tenant: string,
  entity: Notification['entity'],
  kind: Notification['kind'],
  id: string,
): string => `${entity} ${kind ?? ''} ${keyOf(tenant, id)}`

/** Entity and kind hold no space. */
const keyOfObject = (object: string): string => object.slice(object.indexOf(' ', object.indexOf(' ') + 1) + 1)
