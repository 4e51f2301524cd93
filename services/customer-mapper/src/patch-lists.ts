import type { Call } from '@sync/shared/http/call'
import type { OmniumClient } from '@sync/shared/omnium/client'
import { createPatchWholeLists } from '@sync/shared/omnium/patch-whole-lists'
import type { OmniumKind } from '@sync/shared/omnium/schema'
import type { ListName, OldInList } from './kept-elements.ts'
import type { OmniumBody } from './omnium-write.ts'

/** Sends a PATCH of a customer. `old` is what the PATCH has to take out of the lists. */
export type PatchLists = (
  call: Call,
  kind: OmniumKind,
  body: OmniumBody,
  old: readonly OldInList[],
) => Promise<'updated' | 'not-found'>

/**
 * A PATCH asks Omnium to replace a list that Omnium may merge otherwise. For contacts the PATCH asks so only if a contact has to be
 * removed. Contacts are merged by their id, so a contact that another system adds between our read and our write stays.
 */
export function createPatchLists(omnium: Pick<OmniumClient, 'patchCustomer'>): PatchLists {
  const patchWhole = createPatchWholeLists(omnium, { keepExistingListItems: false, keepExistingCustomProperties: true })

  return async (call, kind, body, old) => {
    const isWhole = (list: ListName) =>
      list === 'addresses' || old.some((it) => it.list === list && it.why !== 'replaced')
    const whole = (['contacts', 'addresses'] as const).filter((list) => body[list] !== undefined && isWhole(list))
    if (whole.length === 0) return omnium.patchCustomer(call, kind, body)
    if (body.contacts === undefined || whole.includes('contacts')) return patchWhole(call, kind, body)
    const { addresses, ...rest } = body
    const end = await omnium.patchCustomer(call, kind, rest as OmniumBody)
    return end === 'updated' ? patchWhole(call, kind, { customerId: body.customerId, addresses }) : end
  }
}
