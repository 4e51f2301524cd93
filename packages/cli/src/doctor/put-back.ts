import { setTimeout as delay } from 'node:timers/promises'
import { classifyFailure, SyncError } from '@sync/shared/errors'
import type { Call } from '@sync/shared/http/call'
import { rawOf } from '@sync/shared/http/reading'
import type { OmniumClient } from '@sync/shared/omnium/client'
import { broken, type Finding, ok } from './finding.ts'
import { differingFields, ownLists, PROBE_ID, type Raw, restored, TRACES, tracesIn } from './probe-raw.ts'

export const PUT_BACK = 'probe: the customer is put back'

export interface PutBackOptions {
  readonly omnium: OmniumClient
  /** Its signal ends the clean-up, and no interruption by a person. */
  readonly call: Call
  readonly id: string
  /** A read right after a write may lag. */
  readonly readAfterMs: number
}

const PAUSE_MS = 500

/**
 * Puts the customer back as it was `before`, and compares what Omnium answers afterwards with `before`. If the customer differs, an
 * Update of the whole customer is sent, as the relation-manager sends it. If this Update fails, the elements of the probe are
 * removed one by one.
 */
export async function putBack(before: Raw, options: PutBackOptions): Promise<Finding> {
  const { readAfterMs } = options
  let why: SyncError | null = null
  let how = ''
  for (const [step, done] of STEPS) {
    const now = await readUntilAsBefore(before, options)
    if (now instanceof SyncError) return notKnown(now, options.id)
    if (differingFields(before, now).length === 0) return ok(PUT_BACK, `as it was${how}`)
    const failure = await repeatedly(options.call, () => step(before, options))
    if (failure instanceof SyncError) why = failure
    else how = done
    await delay(readAfterMs, undefined, { signal: options.call.signal }).catch(() => {})
  }
  const now = await readUntilAsBefore(before, options)
  if (now instanceof SyncError) return notKnown(now, options.id)
  const fields = differingFields(before, now)
  if (fields.length === 0) return ok(PUT_BACK, `as it was${how}`)
  return notAsBefore(now, fields, why, options.id)
}

type Step = (before: Raw, options: PutBackOptions) => Promise<unknown>

/** Between the read and the Update, no other request of ours comes. */
const updateWhole: Step = (before, { omnium, call, id }) =>
  omnium.inSlot(call, async (held) => {
    const now = await read(omnium, held, id)
    if (differingFields(before, now).length > 0) await omnium.updateBusinessCustomer(held, restored(before, now))
  })

const removeElements: Step = async (_before, { omnium, call, id }) => {
  const now = await read(omnium, call, id)
  if (tracesIn(now) === null) return
  await omnium.deleteContactPerson(call, id, PROBE_ID)
  await omnium.patchCustomer(call, 'B2B', { customerId: id, ...ownLists(now) })
}

const STEPS: readonly (readonly [Step, string])[] = [
  [updateWhole, ', by an Update of the whole customer'],
  [removeElements, ', by removing the contact and the address'],
]

export async function read(omnium: OmniumClient, call: Call, id: string): Promise<Raw> {
  const customer = await omnium.getCustomer(call, 'B2B', id)
  if (customer !== null) return rawOf(customer)
  throw new SyncError('target-failed', 'reading a customer from omnium: "not found"', { target: 'omnium' })
}

/** The customer as it is now. A read that differs from `before` is made again, because a read right after a write may lag. */
async function readUntilAsBefore(before: Raw, { omnium, call, id, readAfterMs }: PutBackOptions) {
  const first = await repeatedly(call, () => read(omnium, call, id))
  if (first instanceof SyncError || differingFields(before, first).length === 0) return first
  await delay(readAfterMs, undefined, { signal: call.signal }).catch(() => {})
  const second = await repeatedly(call, () => read(omnium, call, id))
  return second instanceof SyncError ? first : second
}

/** Repeats a request that failed for a moment until the clean-up must end. Answers the failure that stays. */
async function repeatedly<T>({ signal }: Call, send: () => Promise<T>): Promise<T | SyncError> {
  let first: SyncError | null = null
  for (;;) {
    try {
      return await send()
    } catch (error) {
      if (!(error instanceof SyncError)) throw error
      // The failures that follow say only that the circuit is open, or that the time is over.
      if (error.code !== 'circuit-open' && error.code !== 'aborted') first ??= error
      const kind = classifyFailure(error)
      if (signal.aborted || (kind !== 'attempt' && kind !== 'outage')) return first ?? error
      if (error.code === 'target-unauthorized' || error.code === 'role-missing') return error
      await delay(PAUSE_MS, undefined, { signal }).catch(() => {})
    }
  }
}

const RUN_AGAIN = 'Run the command again: it removes them.'

function notKnown(why: SyncError, id: string): Finding {
  return broken(PUT_BACK, `not known, because ${why.message}. The customer ${id} may still hold ${TRACES}`, RUN_AGAIN)
}

function notAsBefore(now: Raw, fields: readonly string[], why: SyncError | null, id: string): Finding {
  const reason = why === null ? '' : `, because the clean-up failed (${why.message})`
  const traces = tracesIn(now)
  if (traces !== null) {
    const found = `The customer ${id} still holds ${traces}${reason}; it differs from before in: ${fields.join(', ')}`
    return broken(PUT_BACK, found, RUN_AGAIN)
  }
  const advice =
    'Compare these fields with the history of the customer in Omnium. Another system may have changed them. Set them again if need be.'
  return broken(PUT_BACK, `the customer ${id} differs from before in: ${fields.join(', ')}${reason}`, advice)
}
