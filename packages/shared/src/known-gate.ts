import { unlessAborted } from './unless-aborted.ts'
import { compareVersions } from './version.ts'

/** Says which objects have to wait for versions that are still being learned. Nobody waits in here. */
export interface KnownGate {
  /** Keys for which `isKept` does not hold have to wait for `learned`. The versions of the other keys are known already. */
  closeFor(isKept: (key: string) => boolean, learned: Promise<void>): void
  /**
   * True if a version of the key that was written before is not known yet and may be newer than `version`, which was read of the
   * object. False for a `version` that was made after the gate was closed, because no version that was written before is newer.
   * `version` is ISO 8601, or null if there is none. `receivedAt` is the time of the object's newest notification, ISO 8601.
   */
  mustWait(key: string, object: string, version: string | null, receivedAt: string): boolean
  /** True if the object still has to wait and no newer notification of it has come. Another read would show the same version. */
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
