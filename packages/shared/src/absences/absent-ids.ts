import type { Control } from './control-read.ts'

/** What this process knows of one id that a read answered "not found". Times are ms since the epoch. */
export interface AbsentId {
  readonly firstAt: number
  readonly lastAt: number
  /** Until then the absence needs neither a control read nor a proof. */
  readonly provenUntil: number
  /** Why the last "not found" answer could not be confirmed. */
  readonly unconfirmed: Exclude<Control, 'confirmed'> | null
  readonly disagreeSince: number | null
  readonly disagreements: number
}

/** The ids of one target that were answered "not found" lately. Bounded. */
export interface AbsentIds {
  get(name: string): AbsentId | undefined
  /** A read was answered "not found". */
  missed(name: string): AbsentId
  /** A read found the id, or a create of it succeeded. */
  found(name: string): void
  proven(name: string): void
  /** What the control read said of the last "not found" answer. */
  confirmed(name: string, control: Control): void
  /** Another read shows that the id exists. Returns what is known then; `disagreements` counts from 1. */
  disagreed(name: string): AbsentId
}

/** The process remembers a proven absence for so long. */
const REMEMBERED_MS = 60_000
/** Two "not found" answers that lie further apart say nothing about the time between them. */
const FORGOTTEN_MS = 15 * 60_000
const MAX_IDS = 20_000

export function createAbsentIds(now: () => number, maxIds = MAX_IDS): AbsentIds {
  const ids = new Map<string, AbsentId>()
  const isOld = ({ lastAt }: AbsentId) => now() - lastAt >= FORGOTTEN_MS

  const get = (name: string): AbsentId | undefined => {
    const known = ids.get(name)
    return known === undefined || isOld(known) ? undefined : known
  }
  /**
   * When the memory is full, new ids are not remembered, so that their records go on waiting. To forget old ids instead would
   * make all of them wait for ever.
   */
  const hasRoom = (): boolean => {
    if (ids.size < maxIds) return true
    for (const [name, known] of ids) {
      const isDone = known.disagreeSince === null && now() - known.lastAt >= REMEMBERED_MS
      if (isDone || isOld(known)) ids.delete(name)
      if (ids.size < maxIds) return true
    }
    return false
  }
  const change = (name: string, changes: Partial<AbsentId>): AbsentId => {
    const at = now()
    const known = get(name) ?? {
      ...{ firstAt: at, lastAt: at, provenUntil: 0 },
      ...{ unconfirmed: null, disagreeSince: null, disagreements: 0 },
    }
    const next = { ...known, ...changes }
    if (ids.has(name) || hasRoom()) ids.set(name, next)
    return next
  }

  return {
    get,
    missed: (name) => change(name, { lastAt: now() }),
    found: (name) => void ids.delete(name),
    proven: (name) => void change(name, { provenUntil: now() + REMEMBERED_MS, disagreeSince: null, disagreements: 0 }),
    confirmed: (name, control) => void change(name, { unconfirmed: control === 'confirmed' ? null : control }),
    disagreed(name) {
      const { disagreeSince, disagreements } = change(name, {})
      return change(name, { disagreeSince: disagreeSince ?? now(), disagreements: disagreements + 1 })
    },
  }
}
