import { SyncError } from '@sync/shared/errors'
import type { Call } from '@sync/shared/http/call'
import type { OmniumKind } from '@sync/shared/omnium/schema'
import type { UpsertDecision } from './decide.ts'
import { keptElements, type OldInList } from './kept-elements.ts'
import type { Ports } from './ports.ts'

/** How Omnium answered a write. */
export type Sent =
  | {
      readonly end: 'written'
      readonly omniumId: string
      /** What the write was to take out of lists, and what Omnium still has. */
      readonly kept: readonly OldInList[]
    }
  /** A create was answered 409; `answer` is the status, without personal data. */
  | { readonly end: 'exists'; readonly answer: string }
  | { readonly end: 'not-found' }

export type WriteDecision = Extract<UpsertDecision, { readonly body: object }>

/** Sends what was decided. A write that takes elements out of lists is read back. Throws SyncError. */
export async function writeDecision(
  kind: OmniumKind,
  decision: WriteDecision,
  call: Call,
  { omnium, patchLists }: Ports,
): Promise<Sent> {
  const { body } = decision
  const written = { end: 'written', omniumId: body.customerId, kept: [] } as const
  switch (decision.do) {
    case 'create': {
      const created = await omnium.createCustomer(call, kind, body)
      return created.end === 'exists'
        ? { end: 'exists', answer: created.answered ?? '409 Conflict' }
        : { ...written, omniumId: created.id }
    }
    case 'overlay':
      return (await omnium.updatePrivateCustomer(call, body)) === 'updated' ? written : { end: 'not-found' }
    case 'patch': {
      const { old } = decision
      if ((await patchLists(call, kind, body, decision)) === 'not-found') return { end: 'not-found' }
      if (old.length === 0) return written
      const after = await omnium.getCustomer(call, kind, body.customerId)
      return { ...written, kept: after === null ? old : keptElements(old, after) }
    }
  }
}

/** More are removed by the PATCH that follows. */
const MAX_DELETES = 50

/**
 * Removes contacts by their ids alone: an e-mail or a phone may be that of another contact too. Whether they are removed, the read
 * that follows says, because "not found" may be about the contact or about the company.
 */
export async function deleteContacts(
  call: Call,
  omniumId: string,
  removed: readonly OldInList[],
  { omnium }: Pick<Ports, 'omnium'>,
): Promise<void> {
  for (const { id } of removed.slice(0, MAX_DELETES)) {
    await omnium.deleteContactPerson(call, omniumId, id).catch((error: unknown) => {
      if (!(error instanceof SyncError && error.code === 'target-refused')) throw error
    })
  }
}
