import type { Call } from './http/call.ts'
import { unlessAborted } from './unless-aborted.ts'

/** Holds back what depends on versions that are still being learned. */
export interface KnownGate {
  /** Those keys wait for which `isKept` doesn't hold: what concerns the others is known already. */
  closeFor(isKept: (key: string) => boolean, learned: Promise<void>): void
  /**
   * Resolves once what concerns the call's key is known, at the call's end, or when it took too long. At once for a version
   * (ISO 8601; null: none) that came after the gate was closed: nothing that was written before is newer.
   */
  pass(call: Pick<Call, 'key' | 'signal'>, version: string | null): Promise<void>
}

export interface KnownGateOptions {
  /** ms since the epoch. */
  readonly now: () => number
  readonly patienceMs?: number
}

interface Closed {
  readonly atMs: number
  readonly isKept: (key: string) => boolean
  readonly opened: Promise<void>
}

const PATIENCE_MS = 30_000

export function createKnownGate({ now, patienceMs = PATIENCE_MS }: KnownGateOptions): KnownGate {
  const closed = new Set<Closed>()
  return {
    closeFor(isKept, learned) {
      const open = () => void closed.delete(entry)
      const opened = unlessAborted(learned, AbortSignal.timeout(patienceMs)).then(open, open)
      const entry: Closed = { atMs: now(), isKept, opened }
      closed.add(entry)
    },
    async pass({ key, signal }, version) {
      const madeAt = version === null ? Number.NaN : Date.parse(version)
      const waits = [...closed].filter(({ isKept, atMs }) => !isKept(key) && !(madeAt > atMs))
      if (waits.length > 0) await unlessAborted(Promise.all(waits.map(({ opened }) => opened)), signal)
    },
  }
}
