import { SyncError, type Target } from '@sync/shared/errors'
import type { Call } from '@sync/shared/http/call'

/**
 * The failure of a write that the target answered "not found", although a read finds the customer. The path of the write is down,
 * so this is an outage and says nothing about the record.
 */
export const writePathDown = (target: Target, { tenant }: Call): SyncError =>
  new SyncError(
    'target-failed',
    `updating customer in ${target}: the write is answered "not found", and a read finds the customer`,
    { target, tenant: tenant.uid, status: 404, outage: true },
  )
