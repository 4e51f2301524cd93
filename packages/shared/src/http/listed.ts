import { z } from 'zod'
import { idOf } from './event-fields.ts'

/**
 * A record of a list that makes no sense, by its id and version alone: reading it by its id says what is wrong with it,
 * and it alone is set aside, where a refused page would stop a sweep for good. `''` for an id that it hasn't: nothing can
 * be done with such a one, but it keeps its place, by which pages are counted.
 */
export const strangeRecord = <Id extends string, Version extends string>(id: Id, version: Version) =>
  z.unknown().transform((item) => {
    const fields = (typeof item === 'object' && item !== null ? item : {}) as Record<string, unknown>
    const modified = fields[version]
    return { [id]: idOf(fields[id]) ?? '', [version]: typeof modified === 'string' ? modified : null } as Record<
      Id,
      string
    > &
      Record<Version, string | null>
  })

/** A count that is only a hint: null for what is none. */
export const Count = z.coerce.number().nullish().catch(null)
