import { SyncError, type Target } from '../errors.ts'
import type { Call } from '../http/call.ts'

/**
 * The ids on a page of a list. Throws SyncError `target-failed` for a first page that names a total and shows nothing: such a list
 * is not empty, so it must not stand for a control read.
 */
export function idsOfPage(
  ids: readonly string[],
  { page, total }: { readonly page: number; readonly total: number | null | undefined },
  { tenant }: Call,
  target: Target,
): readonly string[] {
  if (page > 0 || ids.length > 0 || !total) return ids
  const details = { target, tenant: tenant.uid, status: 200 }
  throw new SyncError('target-failed', `listing in ${target}: a total and no result`, details)
}
