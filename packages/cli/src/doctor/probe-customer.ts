import { setTimeout as delay } from 'node:timers/promises'
import type { Call } from '@sync/shared/http/call'
import type { OmniumCustomer } from '@sync/shared/omnium/schema'
import type { DoctorContext } from './context.ts'
import { broken, type Finding, look, notChecked, ok } from './finding.ts'

/** Ids of the elements that the probe adds; no peer gives such ids. */
const PROBE_ID = 'sync-doctor-probe'
const CONTACT = { id: PROBE_ID, firstName: 'Probe', lastName: 'Probe' }
const ADDRESS = { externalId: PROBE_ID, line1: 'Probe' }
/** A read right after a write may lag. */
const READ_AFTER_MS = 2_000
/** The search index lags typically less than a second. */
const SEARCH_AFTER_MS = 5_000

/**
 * How Omnium treats the lists of a PATCH, and whether a `Search` result is as full as a by-id read: adds a contact and an
 * address to one business customer, removes both by PATCH, and puts the customer back as it was.
 */
export async function probeCustomer(
  { targets: { omnium }, call, cluster }: DoctorContext,
  id: string,
): Promise<Finding[]> {
  const before = await omnium.getCustomer(call, 'B2B', id)
  if (before === null) {
    const advice = 'Name a business customer that you may write to.'
    return [broken('probe', 'Omnium has no business customer of this id', advice)]
  }
  const probe: Probe = {
    omnium,
    call,
    wait: (ms) => delay(ms, undefined, { signal: cluster.signal }),
    read: async () => (await omnium.getCustomer(call, 'B2B', id)) ?? before,
  }
  let findings: Finding[]
  try {
    findings = await probeLists(before, probe)
  } catch (error) {
    await putBack(before, probe)
    throw error
  }
  return [...findings, await putBack(before, probe)]
}

async function probeLists(before: OmniumCustomer, probe: Probe): Promise<Finding[]> {
  const { omnium, call, wait, read } = probe
  const { customerId } = before
  const lists = { contacts: before.contacts ?? [], addresses: before.addresses ?? [] }
  await omnium.patchCustomer(call, 'B2B', {
    customerId,
    contacts: [...lists.contacts, CONTACT],
    addresses: [...lists.addresses, ADDRESS],
  })
  await wait(READ_AFTER_MS)
  if (!holdsProbe(await read())) {
    return [broken('probe', 'a PATCH added no contact and no address', 'Ask Omnium why a PATCH of lists is ignored.')]
  }
  const search = await compareSearch(before, probe).catch((error: unknown) =>
    notChecked(SEARCH_CHECK, error, 'Customer read'),
  )
  const check = 'omnium: a PATCH of a list'
  for (const [option, how] of [
    [{}, 'replaces the list'],
    [{ keepExistingListItems: false }, 'replaces the list if keepExistingListItems is false'],
  ] as const) {
    await omnium.patchCustomer(call, 'B2B', { customerId, ...lists, ...option })
    await wait(READ_AFTER_MS)
    if (!holdsProbe(await read())) return [search, ok(check, how)]
  }
  const advice = 'Set omnium.listRemoval to "update" for this tenant, so that removals do not wait for a PATCH.'
  return [search, look(check, 'merges the list, so that it removes nothing', advice)]
}

interface Probe {
  readonly omnium: DoctorContext['targets']['omnium']
  readonly call: Call
  wait(ms: number): Promise<unknown>
  read(): Promise<OmniumCustomer>
}

const holdsProbe = ({ contacts, addresses }: OmniumCustomer): boolean =>
  (contacts ?? []).some(({ id }) => id === PROBE_ID) ||
  (addresses ?? []).some(({ externalId }) => externalId === PROBE_ID)

const SEARCH_CHECK = 'omnium: a Search result, compared with a by-id read'

async function compareSearch(before: OmniumCustomer, probe: Probe): Promise<Finding> {
  const check = SEARCH_CHECK
  await probe.wait(SEARCH_AFTER_MS)
  const { customerId } = before
  const { result } = await probe.omnium.searchCustomers(probe.call, 'B2B', {
    take: 1,
    page: 0,
    customerIds: [customerId],
  })
  const [found] = result
  const advice = 'Search results decide nothing that needs the missing fields. Nothing has to be done.'
  if (found === undefined)
    return look(check, 'Search does not find the customer', 'Ask Omnium whether the search index is up to date.')
  const missing = Object.keys(await probe.read()).filter((field) => !(field in found))
  return missing.length === 0 ? ok(check, 'as full') : look(check, `without ${missing.sort().join(', ')}`, advice)
}

/** An Update of the whole customer is sent only if the probe is still there. */
async function putBack(before: OmniumCustomer, { omnium, call, read }: Probe): Promise<Finding> {
  const check = 'probe: the customer is put back'
  const now = await read()
  if (!holdsProbe(now)) return ok(check, 'as it was')
  await omnium.deleteContactPerson(call, before.customerId, PROBE_ID)
  const { modified: _modified, modifiedBy: _modifiedBy, ...body } = await read()
  const addresses = (body.addresses ?? []).filter(({ externalId }) => externalId !== PROBE_ID)
  await omnium.updateBusinessCustomer(call, { ...body, addresses })
  if (!holdsProbe(await read())) return ok(check, 'as it was, by an Update of the whole customer')
  return broken(
    check,
    'an element of the probe is still there',
    `Remove the contact and the address ${PROBE_ID} in Omnium.`,
  )
}
