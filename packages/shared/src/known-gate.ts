import { unlessAborted } from './unless-aborted.ts'
import { compareVersions } from './version.ts'

/** Says which objects have to wait for versions that are still being learned. Nobody waits in here. */
export interface KnownGate {
  /** Those keys have to wait for which `isKept` doesn't hold: what concerns the others is known already. */
  closeFor(isKept: (key: string) => boolean, learned: Promise<void>): void
  /**
   * Whether what was written of the key before is not known yet, and may be newer than a version that was read of the object. False
   * for a version (ISO 8601; null: none) that came after the gate was closed: nothing that was written before is newer.
   * `receivedAt`: when the newest notification of the object came, ISO 8601.
   */
  mustWait(key: string, object: string, version: string | null, receivedAt: string): boolean
  /** The object had to wait, still has to, and no notification of it has come since: to read it again would show the same. */
  stillWaits(object: string, receivedAt: string): boolean
}

export interface KnownGateOptions {
  /** ms since the epoch. */
  readonly now: () => number
  readonly patienceMs?: number
}

interface Closed {
  readonly atMs: number
  readonly isKept: (key: string) => boolean
  /** When the newest notification of an object that waits came. */
  readonly waiting: Map<string, string>
}

const PATIENCE_MS = 30_000

export function createKnownGate({ now, patienceMs = PATIENCE_MS }: KnownGateOptions): KnownGate {
  const closed = new Set<Closed>()
  return {
    closeFor(isKept, learned) {
      const entry: Closed = { atMs: now(), isKept, waiting: new Map() }
      const open = () => void closed.delete(entry)
      void unlessAborted(learned, AbortSignal.timeout(patienceMs)).then(open, open)
      closed.add(entry)
    },
    mustWait(key, object, version, receivedAt) {
      const madeAt = version === null ? Number.NaN : Date.parse(version)
      const waitsFor = [...closed].filter(({ isKept, atMs }) => !isKept(key) && !(madeAt > atMs))
      for (const { waiting } of waitsFor) waiting.set(object, receivedAt)
      return waitsFor.length > 0
    },
    stillWaits: (object, receivedAt) =>
      [...closed].some(({ waiting }) => {
        const at = waiting.get(object)
        return at !== undefined && compareVersions(receivedAt, at) <= 0
      }),
  }
}
