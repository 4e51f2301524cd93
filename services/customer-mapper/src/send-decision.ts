import type { Call } from '@sync/shared/http/call'
import type { OmniumClient } from '@sync/shared/omnium/client'
import type { OmniumKind } from '@sync/shared/omnium/schema'
import type { UpsertDecision } from './decide.ts'

/** How Omnium answered a write. `exists`: a create was answered 409. */
export type Sent =
  | { readonly end: 'written'; readonly omniumId: string }
  | { readonly end: 'exists'; readonly answer: string }
  | { readonly end: 'not-found' }

type Write = Extract<UpsertDecision, { readonly body: object }>

/** Sends what was decided. Throws SyncError. */
export async function sendDecision(
  kind: OmniumKind,
  { do: how, body }: Write,
  call: Call,
  omnium: OmniumClient,
): Promise<Sent> {
  switch (how) {
    case 'create': {
      const created = await omnium.createCustomer(call, kind, body)
      return created.end === 'exists'
        ? { end: 'exists', answer: created.answered ?? '409 Conflict' }
        : { end: 'written', omniumId: created.id }
    }
    case 'overlay':
      return sentAs(await omnium.updatePrivateCustomer(call, body), body.customerId)
    case 'patch':
      return sentAs(await omnium.patchCustomer(call, kind, body), body.customerId)
  }
}

const sentAs = (answer: 'updated' | 'not-found', omniumId: string): Sent =>
  answer === 'updated' ? { end: 'written', omniumId } : { end: 'not-found' }
