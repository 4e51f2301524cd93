import type { Call } from '@sync/shared/http/call'
import type { OmniumClient } from '@sync/shared/omnium/client'
import { createPatchWholeLists } from '@sync/shared/omnium/patch-whole-lists'
import type { ElementList } from '@sync/shared/omnium/raw-customer'
import type { OmniumKind } from '@sync/shared/omnium/schema'
import type { OldInList } from './kept-elements.ts'
import type { OmniumBody } from './omnium-write.ts'

/** Sends a PATCH of a customer. `UpsertDecision` describes `old` and `unstated`. */
export type PatchLists = (
  call: Call,
  kind: OmniumKind,
  body: OmniumBody,
  lists: { readonly old: readonly OldInList[]; readonly unstated?: readonly ElementList[] },
) => Promise<'updated' | 'not-found'>

/**
 * A PATCH asks Omnium to replace a list that Omnium may merge otherwise. For contacts the PATCH asks so only if a contact has to be
 * removed. Contacts are merged by their id, so a contact that another system adds between our read and our write stays. A list that
 * Omnium made no statement about is only added to.
 */
export function createPatchLists(omnium: Pick<OmniumClient, 'patchCustomer'>): PatchLists {
  const patchWhole = createPatchWholeLists(omnium, { keepExistingListItems: false, keepExistingCustomProperties: true })

  return async (call, kind, body, { old, unstated = [] }) => {
    const isWhole = (list: ElementList) =>
      !unstated.includes(list) && (list === 'addresses' || old.some((it) => it.list === list && it.why !== 'replaced'))
    const sent = (['contacts', 'addresses'] as const).filter((list) => body[list] !== undefined)
    const whole = sent.filter(isWhole)
    if (whole.length === 0) return omnium.patchCustomer(call, kind, body)
    if (whole.length === sent.length) return patchWhole(call, kind, body)
    const wholeLists = Object.fromEntries(whole.map((list) => [list, body[list]]))
    const rest = Object.fromEntries(Object.entries(body).filter(([field]) => !(field in wholeLists)))
    const end = await omnium.patchCustomer(call, kind, rest as OmniumBody)
    return end === 'updated' ? patchWhole(call, kind, { customerId: body.customerId, ...wholeLists }) : end
  }
}
