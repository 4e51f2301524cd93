import { SyncError } from '@sync/shared/errors'
import { broken, type Finding } from './finding.ts'

/** The finding of a check that needs a Search of customers, if Omnium refuses the Search to our API user. Throws any other failure. */
export function withoutSearch(check: string, error: unknown): Finding {
  if (!(error instanceof SyncError) || error.code !== 'role-missing') throw error
  const found = 'not checked, because Search is refused to our API user (403)'
  return broken(check, found, 'Give our API user of omnium the role "Customer read".')
}
