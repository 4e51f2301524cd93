import type { Call } from '@sync/shared/http/call'
import type { OmniumKind } from '@sync/shared/omnium/schema'
import type { Outcome } from '@sync/shared/outcome'
import type { Peers } from './ports.ts'

/** An outcome that ends a change because a peer has no customer under an id. The absence has to be proven first. */
export interface Unproven {
  readonly outcome: Outcome
  readonly absentIn: { readonly peer: 'flow' } | { readonly peer: 'omnium'; readonly kinds: readonly OmniumKind[] }
  readonly id: string
  /** The id is known to have existed. */
  readonly known: boolean
}

export const absentInFlow = (id: string, outcome: Outcome): Unproven => ({
  outcome,
  absentIn: { peer: 'flow' },
  id,
  known: true,
})

export const absentInOmnium = (id: string, kinds: readonly OmniumKind[], outcome: Outcome, known = true): Unproven => ({
  outcome,
  absentIn: { peer: 'omnium', kinds },
  id,
  known,
})

/** The outcome once the absence is proven. To be called without a slot. Throws SyncError while the absence is not proven. */
export async function onceProven(
  result: Outcome | Unproven,
  call: Call,
  { flow, omnium }: Pick<Peers, 'flow' | 'omnium'>,
): Promise<Outcome> {
  if (!('absentIn' in result)) return result
  const { outcome, absentIn, id, known } = result
  if (absentIn.peer === 'flow') await flow.proveAbsent(call, 'customer', id, { known })
  else for (const kind of absentIn.kinds) await omnium.proveAbsent(call, kind, id, { known })
  return outcome
}
