import { SyncError } from '../errors.ts'
import type { Call } from '../http/call.ts'
import type { OmniumClient } from './client.ts'
import type { OmniumKind } from './schema.ts'

/** Sends a PATCH whose lists are complete. Omnium removes each stored element that a list in `body` lacks. */
export type PatchWholeLists = (
  call: Call,
  kind: OmniumKind,
  body: Readonly<Record<string, unknown>> & { readonly customerId: string },
) => Promise<'updated' | 'not-found'>

/** Options in the body of a PATCH. */
export interface PatchOptions {
  readonly keepExistingListItems: false
  readonly keepExistingCustomProperties?: true
}

/**
 * Sends each PATCH with `options`, because an Omnium may merge the lists otherwise. The documented models of the PATCH lack
 * `keepExistingListItems`, so an Omnium may answer 400. Then the PATCH is sent without the options, and if that succeeds the
 * options are left out for this tenant until the process ends.
 */
export function createPatchWholeLists(
  omnium: Pick<OmniumClient, 'patchCustomer'>,
  options: PatchOptions = { keepExistingListItems: false },
): PatchWholeLists {
  const withoutOptions = new Set<string>()
  return async (call, kind, body) => {
    const { uid } = call.tenant
    if (withoutOptions.has(uid)) return omnium.patchCustomer(call, kind, body)
    try {
      return await omnium.patchCustomer(call, kind, { ...body, ...options })
    } catch (error) {
      if (!(error instanceof SyncError && error.code === 'target-refused' && error.status === 400)) throw error
      const end = await omnium.patchCustomer(call, kind, body)
      withoutOptions.add(uid)
      return end
    }
  }
}
