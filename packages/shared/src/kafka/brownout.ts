/** How long a record has failed because its target fails now and then. Times in ms. */
export interface Brownout {
  readonly lastedMs: number
  /** The last failure in the brownout, ms by the steady clock, or null if the record has waited for something else since. */
  readonly lastAt: number | null
  /** The last failure counts as an attempt, because the brownout has lasted too long. */
  readonly isOver: boolean
}

/** See design/3-runtime.md, "When only one key fails". */
const MAX_MS = 3_600_000
/** A gap between two failures is longer only because something else was waited for. */
const MAX_GAP_MS = 600_000
const WAIT = { leastMs: 400, capMs: 15_000 }

export const noBrownout = (lastedMs = 0): Brownout => ({ lastedMs, lastAt: null, isOver: false })

/** The record failed at `now`. `isBrownout` tells whether the failure was one of a brownout. */
export function afterBrownout({ lastedMs, lastAt }: Brownout, isBrownout: boolean, now: number): Brownout {
  if (!isBrownout) return noBrownout(lastedMs)
  const gapMs = lastAt === null ? 0 : Math.min(MAX_GAP_MS, Math.max(0, now - lastAt))
  const sum = lastedMs + gapMs
  return { lastedMs: sum, lastAt: now, isOver: sum >= MAX_MS }
}

/** Short at first, because the next try probably succeeds. The wait grows to a twentieth of the time that the brownout has lasted. */
export function brownoutWaitMs({ lastedMs }: Brownout, random: () => number): number {
  const ceiling = Math.min(WAIT.capMs, Math.max(WAIT.leastMs, lastedMs / 20))
  return ceiling * (0.25 + 0.75 * random())
}
