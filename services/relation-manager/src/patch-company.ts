import { SyncError } from '@sync/shared/errors'
import type { Call } from '@sync/shared/http/call'
import type { OmniumClient } from '@sync/shared/omnium/client'

export type PatchCompany = (
  call: Call,
  body: Readonly<Record<string, unknown>> & { readonly customerId: string },
  removes: boolean,
) => Promise<'updated' | 'not-found'>

/**
 * A PATCH of a business customer. If the PATCH `removes` an element, `keepExistingListItems: false` says to an Omnium that merges
 * lists otherwise that the list is meant whole. The models of the PATCH lack this option, so an Omnium may answer 400: then the PATCH is sent without the
 * option, and if that succeeds the option is left out for this tenant until the process ends.
 */
export function createPatchCompany(omnium: Pick<OmniumClient, 'patchCustomer'>): PatchCompany {
  const withoutOption = new Set<string>()
  return async (call, body, removes) => {
    const { uid } = call.tenant
    if (!removes || withoutOption.has(uid)) return omnium.patchCustomer(call, 'B2B', body)
    try {
      return await omnium.patchCustomer(call, 'B2B', { ...body, keepExistingListItems: false })
    } catch (error) {
      if (!(error instanceof SyncError && error.status === 400)) throw error
      const end = await omnium.patchCustomer(call, 'B2B', body)
      withoutOption.add(uid)
      return end
    }
  }
}
