import { parseExact } from '@sync/sandbox/exact-json'
import type { FaultRule } from '@sync/sandbox/fault-rule'
import type { Fields } from '@sync/sandbox/fields'
import type { FlowModesInput } from '@sync/sandbox/flow-modes'
import type { OmniumModesInput } from '@sync/sandbox/omnium-modes'
import type { PhoneFormat } from '@sync/sandbox/phone-format'
import { type Chance, createChance } from './chance.ts'
import type { Operation, PlannedTenant } from './operations.ts'

/** How the two peers of a tenant behave from the beginning to the end of the run. */
export interface TenantModes {
  readonly tenant: string
  readonly flow: FlowModesInput
  readonly omnium: OmniumModesInput & { readonly phoneFormat?: PhoneFormat | null }
  /** Faults of proxies and of the transport that never end. */
  readonly faults: readonly { readonly target: 'flow' | 'omnium'; readonly rule: FaultRule }[]
}

export interface ModesOptions {
  readonly seed: number
  readonly tenants: readonly PlannedTenant[]
  readonly operations: readonly Operation[]
}

/** `cardNo` has more digits than a double holds. */
const UNKNOWN_FIELDS = parseExact('{"cardNo":6035550000012345679,"isMember":true,"shelf":17}') as Fields

/**
 * Draws the modes of each tenant. The same options give the same modes. Some modes would change the end of the workload and are
 * not drawn: `hidden`, `customerIdField`, `requiredAddressProperties` and the stores of an API user. `planFaults` draws missing
 * roles and tokens that make each other invalid.
 */
export const planModes = ({ seed, tenants, operations }: ModesOptions): TenantModes[] =>
  tenants.map((tenant) => {
    const chance = createChance(seed, `modes of ${tenant.uid}`)
    return {
      tenant: tenant.uid,
      flow: { ...valueModes(chance), ...listModes(chance), lastPageAgain: chance.happens(0.5) },
      omnium: {
        ...valueModes(chance),
        ...listModes(chance),
        patchLists: chance.pick(['replace', 'merge', 'merge-unless-told']),
        refuseKeepExistingListItems: chance.happens(0.3),
        writeMs: chance.pick([5, 5, 50]),
        searchLagMs: chance.pick([0, 1_000, 4_000]),
        scrollIdChanges: chance.happens(0.5),
        expiresIn: chance.pick(['right', 'right', 'absent', 'soon', 60, '600']),
        brokenListItem: brokenItem(chance, tenant, operations),
        phoneFormat: phoneFormat(chance, tenant),
      },
      faults: (['flow', 'omnium'] as const).flatMap((target) =>
        lastingFaults(chance, target).map((rule) => ({ target, rule: { ...rule, tenant: tenant.uid } })),
      ),
    }
  })

const valueModes = (chance: Chance) => ({
  lowerCaseEmails: chance.happens(0.4),
  normalizeTexts: chance.happens(0.4),
  uniqueEmails: chance.pick([null, 400, 409] as const),
  uniquePhones: chance.pick([null, 400, 409] as const),
})

const listModes = (chance: Chance) => ({
  maxPageLength: chance.pick([null, 7, 50]),
  maxTotal: chance.pick([null, 20]),
})

/** A market has the country of its tenant, because a phone without a country code is a phone of the tenant's country. */
function phoneFormat(chance: Chance, { countryCode: country }: PlannedTenant) {
  const countryCode = chance.pick([null, 'removed', 'plus', '00'] as const)
  return countryCode === null ? null : { country, countryCode, refuse: true }
}

/** A customer of Omnium who need not come to Flow, so that no list has to hold the customer. */
function brokenItem(chance: Chance, tenant: PlannedTenant, operations: readonly Operation[]) {
  const how = chance.pick(['text', 'null', 'no-id', 'id-object'] as const)
  if (tenant.omniumCustomerEvents !== 'off') return null
  const ordered = new Set(operations.map((it) => (it.kind === 'omnium-order' ? it.customerId : null)))
  const ids = operations.flatMap((it) =>
    it.kind === 'omnium-create' && it.tenant === tenant.uid && !ordered.has(it.id) ? [it.id] : [],
  )
  return ids.length === 0 ? null : { how, id: chance.pick(ids) }
}

function lastingFaults(chance: Chance, target: 'flow' | 'omnium'): FaultRule[] {
  const missing = chance.pick([null, { status: 204 }, { status: 200, answer: 'null' }] as const)
  const body = chance.pick([
    ...[null, { encoding: 'gzip' }, { encoding: 'br' }, { encoding: 'deflate', chunked: true }],
    ...[{ bom: true }, { contentType: 'text/plain' }],
  ])
  const races = chance.happens(0.4)
  const seed = chance.between(0, 1_000_000)
  return [
    ...(missing === null ? [] : [{ kind: 'missing-answer' as const, ...missing }]),
    ...(body === null ? [] : [{ kind: 'answer-body' as const, ...body }]),
    ...(races ? [{ kind: 'keep-alive-race' as const, chance: 0.01, seed }] : []),
    // Fields that nobody knows. Omnium's are sent back to Omnium, whose models lack them.
    ...(target === 'flow' && chance.happens(0.5) ? [{ kind: 'answer-fields' as const, set: UNKNOWN_FIELDS }] : []),
  ]
}
