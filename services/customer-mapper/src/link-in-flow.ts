import { SyncError } from '@sync/shared/errors'
import type { FlowCustomer } from '@sync/shared/flow/schema'
import type { Call } from '@sync/shared/http/call'
import { isUnreadable } from '@sync/shared/http/reading'
import { compareVersions } from '@sync/shared/version'
import { isSameButForCase } from './find-in-omnium.ts'
import type { Peers } from './ports.ts'
import { writePathDown } from './write-not-found.ts'

export type LinkEnd = 'written' | 'linked' | 'absent' | 'unreadable'

/**
 * Sets the `externalId` of a Flow customer to the id of its Omnium counterpart, if `externalId` is still empty. Answers whether it
 * was written, or `unreadable` for an `externalId` that can't be read, which stays. A Flow that no longer has the customer has to be
 * proven, because a link that is left out is not made good until the next edit.
 *
 * The link gives the customer a new version of ours. A sweep passes over that version, so the version hides an edit of before
 * whose webhook was lost. Therefore `readAgain` is called before the link is written to a customer that is newer than `known`.
 */
export async function linkInFlow(
  call: Call,
  { customerUid: uid, lastModifiedAt: known }: FlowCustomer,
  omniumId: string,
  { flow }: Pick<Peers, 'flow'>,
  readAgain: () => Promise<void>,
): Promise<LinkEnd> {
  if (isSameButForCase(uid, omniumId) && (await flow.getCustomer(call, omniumId)) !== null) {
    const message = 'linking a customer in flow: the omnium id, but for its case, is the uid of another customer'
    throw new SyncError('identity-mismatch', message, { target: 'omnium', tenant: call.tenant.uid })
  }
  const end = await flow.inSlot(call, async (held): Promise<LinkEnd> => {
    const current = await flow.getCustomer(held, uid)
    if (current === null) return 'absent'
    if (isUnreadable(current, 'externalId')) return 'unreadable'
    if (current.externalId) return 'linked'
    if (compareVersions(current.lastModifiedAt, known) > 0) await readAgain()
    if ((await flow.updateCustomer(held, uid, { externalId: omniumId })) === 'updated') return 'written'
    if ((await flow.getCustomer(held, uid)) !== null) throw writePathDown('flow', call)
    return 'absent'
  })
  if (end === 'absent') await flow.proveAbsent(call, 'customer', uid, { known: true })
  return end
}
