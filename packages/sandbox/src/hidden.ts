import { z } from 'zod'

/** The customers that a peer does not show: those with these ids, and a share of all, the same ones each time. */
export const Hidden = z
  .strictObject({
    ids: z.array(z.string()).default([]),
    share: z.number().min(0).max(1).default(0),
  })
  .nullable()
  .default(null)
export type Hidden = z.infer<typeof Hidden>

export function isHidden(id: string, hidden: Hidden): boolean {
  return hidden !== null && (hidden.ids.includes(id) || placeOf(id) < hidden.share)
}

/** A number from 0 to 1 (1 excluded) that is the same for the same id (FNV-1a, and a mix of its bits). */
function placeOf(id: string): number {
  let hash = 0x811c9dc5
  for (const char of id) hash = Math.imul(hash ^ char.codePointAt(0)!, 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  return ((hash ^ (hash >>> 13)) >>> 0) / 2 ** 32
}
