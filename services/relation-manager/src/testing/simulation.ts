import { setImmediate } from 'node:timers/promises'
import type { PatchLists } from '@sync/shared/testing/fake-omnium'
import { createChance } from './chance.ts'
import { createSimulatedPeers, START } from './simulated-peers.ts'
import { createSimulatedRuntime } from './simulated-runtime.ts'

export const BOUNDS = { parentConfirmMs: 60_000, parentWaitMs: 600_000 }
const MAX_STEPS = 20_000

/** Something that happens to the companies from outside, in this order. */
export type Happening =
  | { readonly type: 'parent'; readonly company: number; readonly parent: number | null; readonly sameVersion: boolean }
  | { readonly type: 'edit'; readonly company: number }
  /** The mapper publishes what it observed last once more. */
  | { readonly type: 'observe'; readonly company: number }
  /** An operator replays one of the last records. */
  | { readonly type: 'replay'; readonly back: number }
  | { readonly type: 'crash'; readonly process: number }

export interface Scenario {
  readonly seed: number
  readonly companies: number
  /** One write in so many goes wrong; 0: none. */
  readonly faultsOneIn: number
  /** How much of what follows a happening is over before the next one: they come once in so many steps. */
  readonly happensOneIn: number
  /** Time jumps once in so many steps. */
  readonly jumpsOneIn: number
  /** So many of the companies are missing in Omnium until about then. */
  readonly missing: number
  /** How Omnium treats the lists of a PATCH. */
  readonly patchLists: PatchLists
  readonly happenings: readonly Happening[]
}

export const idOf = (company: number): string => `C${company}`

/** Runs the real handler through a scenario, in an order that the seed chooses, and on until nothing is left to do. */
export async function simulate({
  seed,
  companies,
  faultsOneIn,
  happensOneIn,
  jumpsOneIn,
  missing,
  patchLists,
  happenings,
}: Scenario) {
  const chance = createChance(seed)
  const simulated = createSimulatedPeers(chance, patchLists)
  const runtime = createSimulatedRuntime(simulated, chance, BOUNDS)
  const { peers } = simulated
  const ids = Array.from({ length: companies }, (_, company) => idOf(company))
  const upstream: { id: string; parent: string | null; version: string }[] = []
  let edits = 0
  const failures: unknown[] = []

  const create = (id: string) =>
    peers.omnium.put('B2B', {
      customerId: id,
      name: id,
      customerRelations: [{ customerId: 'P1', customerType: 'B2C', relationType: 'Employee', externalIds: ['x'] }],
      properties: [{ key: 'theirs', value: 'kept' }],
    })
  for (const [company, id] of ids.entries()) {
    peers.flow.put({ customerUid: id, customerType: 'COMPANY', parentCustomer: null, lastModifiedAt: versionOf(0) })
    if (company >= missing) create(id)
    else simulated.later(chance.below(2 * BOUNDS.parentWaitMs), () => create(id))
  }

  const observe = (id: string) => {
    const { parentCustomer, lastModifiedAt } = peers.flow.customer(id)!
    upstream.push({ id, parent: parentCustomer?.customerUid ?? null, version: lastModifiedAt! })
  }
  const edit = (id: string, fields: Record<string, unknown>, sameVersion = false) => {
    if (!sameVersion) edits++
    peers.flow.put({ ...peers.flow.customer(id)!, ...fields, lastModifiedAt: versionOf(edits) })
    observe(id)
  }
  const isAbove = (upper: string, lower: string): boolean => {
    const above = peers.flow.customer(lower)?.parentCustomer?.customerUid
    return upper === lower || (above !== undefined && above !== null && isAbove(upper, above))
  }
  const happen = (happening: Happening) => {
    if (happening.type === 'crash') return runtime.crash(happening.process)
    if (happening.type === 'replay') return runtime.replay(happening.back)
    const id = idOf(happening.company % companies)
    if (happening.type === 'edit') return edit(id, {})
    if (happening.type === 'observe') return observe(id)
    const parent = happening.parent === null ? null : idOf(happening.parent % companies)
    if (parent !== null && isAbove(id, parent)) return
    edit(id, { parentCustomer: parent === null ? null : { customerUid: parent } }, happening.sameVersion)
  }

  /** One thing that can happen now; false when there is none but to wait. */
  const advance = (waiting: Happening[]): boolean => {
    const options: (() => void)[] = []
    const gates = simulated.gates()
    if (gates.length > 0) options.push(() => chance.pick(gates).open())
    const due = runtime.dueKeys()
    if (due.length > 0) options.push(() => void runtime.start(chance.pick(due)).catch((error) => failures.push(error)))
    if (observable().length > 0) options.push(publishObserved)
    const isIdle = options.length === 0
    if (waiting.length > 0 && (isIdle || chance.oneIn(happensOneIn))) options.push(() => happen(waiting.shift()!))
    if (options.length === 0) return false
    if (chance.oneIn(jumpsOneIn)) simulated.advance(chance.below(40_000))
    else chance.pick(options)()
    return true
  }
  /** The mapper's records come after the company's upsert, those of one company in order. */
  const observable = () => upstream.filter(({ id }) => peers.omnium.customer('B2B', id) !== undefined)
  const publishObserved = () => {
    const next = chance.pick(observable()).id
    const index = upstream.findIndex((one) => one.id === next)
    const { id, parent, version } = upstream.splice(index, 1)[0]!
    runtime.append(`acme:${id}`, {
      type: 'parent-observed',
      tenant: 'acme',
      company: id,
      parent,
      version,
      repair: false,
      notifiedAt: version,
    })
  }
  const runUntilQuiet = async (waiting: Happening[]) => {
    for (let steps = 0; steps < MAX_STEPS; steps++) {
      if (!advance(waiting)) {
        if (runtime.isQuiet()) return
        simulated.advance(Math.max(1, runtime.nextAt() - peers.now))
      }
      await setImmediate()
      if (failures.length > 0) throw failures[0]
    }
    throw new Error('nothing comes to an end')
  }

  peers.faultsOneIn = faultsOneIn
  await runUntilQuiet([...happenings])
  const customers = () => new Map(ids.map((id) => [id, peers.omnium.customer('B2B', id)!]))
  const beforeRedrive = { customers: customers(), refusing: runtime.refusing(), parked: runtime.parkedCount() }
  peers.faultsOneIn = 0
  for (let passes = 0; runtime.parkedCount() > 0; passes++) {
    if (passes > 20) throw new Error('what is redriven is parked again and again')
    runtime.redrive()
    await runUntilQuiet([])
  }
  return { peers, ids, beforeRedrive, customers: customers(), ends: runtime.ends, elapsedMs: peers.now - START }
}

const versionOf = (edit: number) => new Date(START - 1_000_000 + edit * 1000).toISOString()
