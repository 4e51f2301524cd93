import type { Chance } from './chance.ts'
import { NO_TYPE, nameOf, type Operation } from './operations.ts'
import { COMPANY_FIELDS, PERSON_FIELDS, type People } from './people.ts'

/** Several tenants edit their customers at once, far faster than the rate of the workload. Times in ms from the run's start. */
export interface Flood {
  readonly atMs: number
  readonly forMs: number
  readonly tenants: readonly string[]
}

export interface FloodOptions {
  readonly tenants: readonly string[]
  /** Changes a second of the workload beside the floods. */
  readonly rate: number
  readonly durationMs: number
}

export interface Floods {
  readonly floods: readonly Flood[]
  /** In no order of time. */
  readonly operations: readonly Operation[]
}

const FIRST_AFTER_MS = [15_000, 30_000] as const
const PAUSE_MS = [20_000, 45_000] as const
const DURATION_MS = [500, 2_000] as const
/** Times the rate of the workload, for all flooding tenants together. */
const FACTOR = [8, 15] as const

/** Floods beside the `operations` of a workload, each over before its end. They edit only sound customers that exist by then. */
export function planFloods(
  chance: Chance,
  people: People,
  { tenants, rate, durationMs }: FloodOptions,
  operations: readonly Operation[],
): Floods {
  const customers = soundCustomers(operations)
  const floods: Flood[] = []
  const edits: Operation[] = []
  for (let atMs = chance.between(...FIRST_AFTER_MS); ; atMs += chance.between(...PAUSE_MS)) {
    const forMs = chance.between(...DURATION_MS)
    if (atMs + forMs > durationMs) break
    const flooding = someOf(chance, tenants, chance.between(Math.min(2, tenants.length), tenants.length))
    const theirs = customers.filter((it) => it.atMs <= atMs && flooding.includes(it.tenant))
    const count = Math.round((rate * chance.between(...FACTOR) * forMs) / 1000)
    if (theirs.length === 0) continue
    floods.push({ atMs, forMs, tenants: flooding })
    for (let i = 0; i < count; i++) {
      const { tenant, uid, type } = chance.pick(theirs)
      const field = chance.pick(type === 'PERSON' ? PERSON_FIELDS : COMPANY_FIELDS)
      const fields = { [field]: people.valueOf(type, field) }
      edits.push({ atMs: atMs + Math.floor((i * forMs) / count), kind: 'flow-edit', tenant, uid, fields })
    }
  }
  return { floods, operations: edits }
}

/** Customers of Flow that no peer ever refuses. */
function soundCustomers(operations: readonly Operation[]) {
  const refused = new Set(operations.flatMap((it) => (it.kind === 'poison' ? [nameOf(it.tenant, it.uid)] : [])))
  return operations.flatMap((it) => {
    if (it.kind !== 'flow-create' || it.fields.customerType === NO_TYPE) return []
    if (refused.has(nameOf(it.tenant, it.uid))) return []
    const type = it.fields.customerType === 'PERSON' ? ('PERSON' as const) : ('COMPANY' as const)
    return [{ atMs: it.atMs, tenant: it.tenant, uid: it.uid, type }]
  })
}

/** `count` different elements, in the order of the list. */
function someOf<T>(chance: Chance, list: readonly T[], count: number): T[] {
  const left = [...list]
  while (left.length > count) left.splice(chance.between(0, left.length - 1), 1)
  return left
}
