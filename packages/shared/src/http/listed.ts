import { z } from 'zod'
import type { Reader } from './reading.ts'

/**
 * One item of a list, as its reader reads it. An item that is no object, or whose id can't be read, has the id `''` and its
 * version alone: nothing can be done with such an item, but it keeps its place, by which pages are counted. A version that is no
 * text is null, because lists are ordered by it.
 */
export const listedBy = <T>(reader: Reader<T>, version: string) =>
  z.unknown().transform((item): T => {
    const answered = typeof item === 'object' && item !== null ? (item as Record<string, unknown>)[version] : undefined
    const known = typeof answered === 'string' ? answered : null
    const read = reader.read(item)
    if (read === null) return { ...reader.defaults, [reader.idField]: '', [version]: known } as T
    return known === null && answered !== undefined ? { ...read, [version]: null } : read
  })

/** A count that is only a hint: null for what is none. */
export const Count = z.coerce.number().nullish().catch(null)
