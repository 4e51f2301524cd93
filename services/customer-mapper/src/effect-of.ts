import type { FlowCustomer } from '@sync/shared/flow/schema'
import type { Effect } from '@sync/shared/outcome'

/** What a write for a Flow customer changed. */
export const effectOf = (
  operation: string,
  target: 'flow' | 'omnium',
  changed: readonly string[],
  { lastModifiedAt }: FlowCustomer,
): Effect => ({ operation, target, changed, ...(lastModifiedAt && { version: lastModifiedAt }) })
