import { ELEMENT_ID_FIELD, fieldOf, listOf } from '@sync/shared/omnium/raw-customer'
import type { OmniumCustomer } from '@sync/shared/omnium/schema'
import { done, type Outcome, retry, skipped, withNotes } from '@sync/shared/outcome'
import type { HandlerContext } from '@sync/shared/stream'
import { outcomeOfFailedWrite } from './failed-write.ts'
import type { ElementLead } from './fold.ts'
import type { Ports } from './ports.ts'
import { placeOf } from './removals.ts'
import type { State } from './state.ts'
import { unsendableIn, updateCompany } from './update-company.ts'

/**
 * Removes an element that Omnium has kept after a PATCH or a DeleteContactPerson, by an Update of the whole company. An
 * element in several forms under one id is removed in each form: the customer-mapper, which is asked to read the company again,
 * writes the form that Flow still has. A value that can't be read keeps the Update from being sent. Throws what a read throws.
 */
export async function removeElement(
  { delivery, value }: ElementLead,
  context: HandlerContext,
  ports: Ports,
  state: State,
): Promise<Outcome> {
  const { removals } = state
  const { list, id } = value
  const removal = `${delivery.key} ${list} ${id}`
  const removed = done({ operation: 'updated', target: 'omnium', changed: [list] })
  const { now } = context
  const place = placeOf(delivery)
  const written = new Map([[place, removed]])
  removals.begin(removal, [place])
  return ports.omnium.inSlot(context.call, async (call) => {
    const company = await ports.omnium.getCustomer(call, 'B2B', delivery.id)
    const isUpdated = removals.isUpdated(removal)
    const ended = isUpdated ? removed : skipped('unchanged')
    const unsendable = company === null ? [] : unsendableIn(company, call.tenant)
    const isUnknown = unsendable.includes(list)
    if (company === null || (!isUnknown && !holds(company, value))) {
      removals.finish(removal)
      return ended
    }
    if (isUnknown || (!isUpdated && unsendable.length > 0)) {
      removals.finish(removal)
      return withNotes(ended, { notRemoved: [list], unreadable: unsendable })
    }
    if (isUpdated) {
      if (removals.stepOf(removal, call.tenant, now()) !== 'give-up') {
        return retry('removal-pending', removals.awaitRead(removal, 'patch', written, now()))
      }
      removals.finish(removal)
      return withNotes(removed, { notRemoved: [list] })
    }
    try {
      const fields = {
        [list]: listOf(company, list).filter((element) => fieldOf(element, ELEMENT_ID_FIELD[list]) !== id),
      }
      if ((await updateCompany(company, fields, delivery, { call, now }, ports)) === 'not-found') {
        return retry('parent-missing')
      }
    } catch (error) {
      return outcomeOfFailedWrite(error, call.key, [], now(), ports, state)
    }
    state.conflicts.forget(call.key)
    const waitMs = removals.awaitRead(removal, 'update', written, now())
    const after = await ports.omnium.getCustomer(call, 'B2B', delivery.id)
    const isGone = after === null || !(unsendableIn(after, call.tenant).includes(list) || holds(after, value))
    if (!isGone) return retry('removal-pending', waitMs)
    removals.finish(removal)
    return removed
  })
}

/** An element without an id is another system's, so a record without an id names none. */
const holds = (company: OmniumCustomer, value: ElementLead['value']): boolean =>
  value.id !== '' &&
  listOf(company, value.list).some((element) => fieldOf(element, ELEMENT_ID_FIELD[value.list]) === value.id)
