import { SyncError } from '../errors.ts'

/**
 * An id as one path segment: nothing in it can leave the segment, and `.` and `..`, which URL parsers resolve, are
 * encoded too (the base layer sends the path as it stands, without parsing). Throws SyncError `target-refused` for what
 * can't be one: an empty id would address the collection, and a lone surrogate has no UTF-8.
 */
export function segment(id: string): string {
  if (id === '') throw new SyncError('target-refused', 'addressing a record: its id is empty')
  if (!id.isWellFormed()) throw new SyncError('target-refused', 'addressing a record: its id is not valid Unicode')
  return id === '.' || id === '..' ? id.replaceAll('.', '%2E') : encodeURIComponent(id)
}

/** `?a=1&b=2`, without what is undefined. */
export function query(values: Readonly<Record<string, string | number | undefined>>): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(values)) if (value !== undefined) parameters.set(name, String(value))
  return `?${parameters}`
}
