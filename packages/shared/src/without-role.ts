import { SyncError } from './errors.ts'

/**
 * For `catch` of a request that our API user may lack the role for: answers `instead` for SyncError `role-missing`, and throws each
 * other error again.
 */
export const withoutRole =
  <T>(instead: T) =>
  (error: unknown): T => {
    if (error instanceof SyncError && error.code === 'role-missing') return instead
    throw error
  }
