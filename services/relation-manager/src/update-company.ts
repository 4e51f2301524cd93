import { askToReadAgain } from '@sync/shared/ask-to-read-again'
import { rawOf, unsendableOf } from '@sync/shared/http/reading'
import { hiddenElementLists, hiddenOfRelations } from '@sync/shared/omnium/our-properties'
import { withoutStamps } from '@sync/shared/omnium/raw-customer'
import type { OmniumCustomer } from '@sync/shared/omnium/schema'
import type { HandlerContext } from '@sync/shared/stream'
import { propertyPrefix, type Tenant } from '@sync/shared/tenants'
import type { ParentChangeDelivery } from './fold.ts'
import type { Ports } from './ports.ts'

/**
 * Names of the fields and lists that keep an Update of the whole company from being sent. The Update would send back a value that
 * can't be read, also relations that may be ours and do not say so. It would clear contacts, addresses or relations that Omnium
 * leaves out although we wrote some.
 */
export function unsendableIn(company: OmniumCustomer, tenant: Tenant): readonly string[] {
  const hidden = hiddenOfRelations(company, propertyPrefix(tenant))
  return [...new Set([...unsendableOf(company), ...hiddenElementLists(company, tenant), ...hidden])]
}

/**
 * Sends an Update of the whole company exactly as Omnium just answered it, with `fields` laid over it. Between the read and the Update another
 * system, or the customer-mapper, may have changed the company, so the customer-mapper is asked to read the company again: once
 * before the Update, due when no late execution of the Update is possible any more, in case this process ends in between, and
 * once right after the Update.
 */
export async function updateCompany(
  company: OmniumCustomer,
  fields: Readonly<Record<string, unknown>>,
  cause: ParentChangeDelivery,
  { call, now }: HandlerContext,
  ports: Ports,
): Promise<'updated' | 'not-found'> {
  const body = withoutStamps({ ...rawOf(company), ...fields })
  const readAgain = (notBefore: number) =>
    askToReadAgain(cause, { reason: 'company-updated', notBefore }, { call, now }, ports.publisher)
  await readAgain(now() + 2 * ports.requestDeadlineMs)
  const end = await ports.omnium.updateBusinessCustomer(call, body)
  if (end === 'updated') await readAgain(now())
  return end
}
