import { type FlowCustomer, readFlowCustomer } from '@sync/shared/flow/schema'
import type { Targets } from '@sync/shared/http/targets'
import { keyOf } from '@sync/shared/kafka/publisher'
import { type OmniumCustomer, readOmniumCustomer } from '@sync/shared/omnium/schema'
import type { Tenant } from '@sync/shared/tenants'
import { compareVersions } from '@sync/shared/version'
import { callFor } from './peers.ts'
import type { Progress } from './progress.ts'
import { type ChildSays, type Drift, driftsOf, type Ends, endsOf, relationDrifts } from './reconcile-compare.ts'
import { concludesNoChildren, lackingList, saidByListed } from './reconcile-incomplete.ts'
import {
  allOfFlow,
  allOfOmnium,
  countOf,
  type IncompleteList,
  type OmniumListed,
  type SourceList,
} from './source-list.ts'
import { openSpill, type Spill } from './spill.ts'

export interface ScanOptions {
  readonly targets: Targets
  readonly tenant: Tenant
  readonly signal: AbortSignal
  readonly progress: Progress
  /** Told of each drift, bucket by bucket; `changedAt` is the latest change of the records behind it, ms since the epoch. */
  readonly take: (drift: Drift, changedAt: number) => Promise<void>
}

export interface Scanned {
  readonly flow: number
  readonly omnium: number
  /** From what these lists lack, nothing was concluded. */
  readonly incomplete: readonly IncompleteList[]
}

type Incomplete = ReadonlySet<SourceList>

const PER_BUCKET = 2_000
const MAX_BUCKETS = 1_024

/** What one child says of its parents, in the bucket of a company that it names or that lists it. */
interface Said {
  readonly parent: string
  readonly child: string
  readonly says: ChildSays
}

/** In the bucket of a child: a company lists it, and has to be told what it says. */
interface Listed {
  readonly child: string
  readonly parent: string
}

/**
 * Reads all customers of a tenant from both systems to disk and compares them there, a few thousand at a time: first each
 * customer with its own records, then each company's list of sub-departments with what those say.
 */
export async function scan(options: ScanOptions): Promise<Scanned> {
  const { targets, tenant, signal, progress } = options
  const call = callFor(tenant, keyOf(tenant.uid, 'reconcile'), signal)
  const [inFlow, inOmnium] = await Promise.all([countOf('flow', targets, call), countOf('omnium', targets, call)])
  const buckets = Math.min(MAX_BUCKETS, Math.max(1, Math.ceil(Math.max(inFlow, inOmnium) / PER_BUCKET)))
  const spill = await openSpill(buckets)
  let read = 0
  const count = (n: number) => {
    read += n
    progress.update(read, Math.max(read, inFlow + inOmnium))
  }
  const incomplete: IncompleteList[] = []
  const onIncomplete = (list: IncompleteList) => void incomplete.push(list)
  const readFlow = async () => {
    for await (const { customers } of allOfFlow(targets, call, { rereadsChanged: true }, onIncomplete)) {
      for (const customer of customers) await spill.add('flow', customer.customerUid, customer)
      count(customers.length)
    }
  }
  const readOmnium = async () => {
    for await (const { customers } of allOfOmnium(targets, call, null, onIncomplete)) {
      for (const { kind, customer } of customers) await spill.add('omnium', customer.customerId, { kind, customer })
      count(customers.length)
    }
  }
  try {
    // Side by side, since each has its own rate; and the closer in time, the less seems to differ that is only under way.
    await Promise.all([readFlow(), readOmnium()])
    const lists = new Set(incomplete.map(({ list }) => list))
    const counts = await compareAll(spill, options, lists)
    await compareRelations(spill, options, lists)
    return { ...counts, incomplete }
  } finally {
    await spill.remove()
  }
}

async function compareAll(
  spill: Spill,
  { tenant, take, signal }: ScanOptions,
  incomplete: Incomplete,
): Promise<Pick<Scanned, 'flow' | 'omnium'>> {
  let flowCount = 0
  let omniumCount = 0
  for (let bucket = 0; bucket < spill.buckets; bucket++) {
    signal.throwIfAborted()
    const flow = new Map<string, FlowCustomer>()
    for await (const answered of spill.read<unknown>('flow', bucket)) {
      const customer = readFlowCustomer(answered)
      if (customer === null) continue
      const known = flow.get(customer.customerUid)
      const isNewer = compareVersions(customer.lastModifiedAt, known?.lastModifiedAt) >= 0
      if (known === undefined || isNewer) flow.set(customer.customerUid, customer)
    }
    const omnium = { B2C: new Map<string, OmniumCustomer>(), B2B: new Map<string, OmniumCustomer>() }
    for await (const { kind, ...answered } of spill.read<Pick<OmniumListed, 'kind' | 'customer'>>('omnium', bucket)) {
      const customer = readOmniumCustomer(answered.customer)
      if (customer === null) continue
      const known = omnium[kind].get(customer.customerId)
      if (known === undefined || compareVersions(customer.modified, known.modified) >= 0) {
        omnium[kind].set(customer.customerId, customer)
      }
    }
    flowCount += flow.size
    omniumCount += omnium.B2C.size + omnium.B2B.size
    for (const id of new Set([...flow.keys(), ...omnium.B2C.keys(), ...omnium.B2B.keys()])) {
      const pair = {
        flow: flow.get(id) ?? null,
        private: omnium.B2C.get(id) ?? null,
        business: omnium.B2B.get(id) ?? null,
      }
      const lacking = lackingList(pair)
      if (lacking !== null && incomplete.has(lacking)) continue
      const changedAt = latest(pair.flow?.lastModifiedAt, pair.private?.modified, pair.business?.modified)
      for (const drift of driftsOf(id, pair, tenant)) await take(drift, changedAt)
    }
    for (const id of flow.keys()) if (!omnium.B2B.has(id)) await spill.add('no-company', id, id)
    for (const company of omnium.B2B.values()) await spillEnds(spill, endsOf(company, tenant), latest(company.modified))
  }
  return { flow: flowCount, omnium: omniumCount }
}

const latest = (...versions: (string | null | undefined)[]) =>
  Math.max(0, ...versions.map((version) => Date.parse(version ?? '')).filter((at) => !Number.isNaN(at)))

type StoredEnds = Ends & { readonly changedAt: number }

async function spillEnds(spill: Spill, ends: Ends, changedAt: number): Promise<void> {
  const { id, parents, parentVersion, children } = ends
  await spill.add('ends', id, { ...ends, changedAt } satisfies StoredEnds)
  for (const parent of parents) {
    await spill.add('said', parent, { parent, child: id, says: { parents, parentVersion } } satisfies Said)
  }
  for (const child of children) await spill.add('listed', child, { child, parent: id } satisfies Listed)
}

async function readEnds(spill: Spill, bucket: number): Promise<Map<string, StoredEnds>> {
  const ends = new Map<string, StoredEnds>()
  for await (const each of spill.read<StoredEnds>('ends', bucket)) ends.set(each.id, each)
  return ends
}

async function compareRelations(
  spill: Spill,
  { tenant, take, signal }: ScanOptions,
  incomplete: Incomplete,
): Promise<void> {
  const isWhole = !incomplete.has('business customers of omnium')
  for (let bucket = 0; bucket < spill.buckets; bucket++) {
    signal.throwIfAborted()
    const ends = await readEnds(spill, bucket)
    for await (const { child, parent } of spill.read<Listed>('listed', bucket)) {
      const own = ends.get(child)
      if (own?.isHidden) continue
      const says = own === undefined ? null : { parents: own.parents, parentVersion: own.parentVersion }
      await spill.add('said', parent, { parent, child, says } satisfies Said)
    }
  }
  for (let bucket = 0; bucket < spill.buckets; bucket++) {
    signal.throwIfAborted()
    const ends = await readEnds(spill, bucket)
    const children = new Map<string, Map<string, ChildSays>>()
    for await (const { parent, child, says } of spill.read<Said>('said', bucket)) {
      children.set(parent, (children.get(parent) ?? new Map()).set(child, says))
    }
    const inFlowOnly = new Set<string>()
    for await (const id of spill.read<string>('no-company', bucket)) inFlowOnly.add(id)
    for (const id of new Set([...ends.keys(), ...children.keys()])) {
      const own = ends.get(id) ?? null
      if (own?.isHidden) continue
      const isInFlow = inFlowOnly.has(id)
      if (own === null && (!isWhole || (!isInFlow && incomplete.has('customers of flow')))) continue
      const said = children.get(id) ?? new Map()
      for (const drift of relationDrifts(tenant.uid, id, own, isWhole ? said : saidByListed(said), isInFlow)) {
        if (isWhole || !concludesNoChildren(drift)) await take(drift, own?.changedAt ?? 0)
      }
    }
  }
}
