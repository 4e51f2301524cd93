import { createHash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Fields } from '@sync/sandbox/fields'
import { type GarbageTopic, nameOf, type Operation } from './operations.ts'
import type { Operator } from './operator.ts'
import { editOfOmnium } from './oracle-mapping.ts'
import type { System } from './system.ts'

const POLL_MS = 100

/** A record whose bytes keep no contract. */
export interface Garbage {
  readonly topic: GarbageTopic
  /** `topic/partition/offset`, which a record of a recreated topic may have once more. */
  readonly place: string
  readonly key: string | null
  /** When the broker acknowledged it, in ms since the epoch. */
  readonly writtenAt: number
}

/** What was done, for the checks. */
export interface Performed {
  readonly operations: Map<Operation['kind'], number>
  readonly garbage: Garbage[]
  /** `tenant:uid` of customers that are no poison any more. */
  readonly cured: Set<string>
  /** Resolves once what had to wait is done: edits of customers that were not in Flow yet, and the operator's work. */
  finished(signal: AbortSignal): Promise<void>
}

/** Does each operation at its time; resolves after the last one, when some may still wait for what they need. */
export async function performWorkload(
  { flow, omnium }: System,
  operator: Operator,
  operations: readonly Operation[],
  signal: AbortSignal,
): Promise<Performed> {
  const startedAt = performance.now()
  const counts = new Map<Operation['kind'], number>()
  const garbage: Garbage[] = []
  const cured = new Set<string>()
  const poisonFaults = new Map<string, string[]>()
  /** By customer and system: an edit never overtakes an earlier one. */
  const lines = new Map<string, Promise<void>>()
  const background: Promise<unknown>[] = []
  const waiting = new AbortController()

  /** Whoever waits for all of them hears of a failure. */
  const later = (work: Promise<unknown>) => {
    background.push(work)
    work.catch(() => {})
  }

  const onceThere = (customer: string, isThere: () => boolean, act: () => void) => {
    const line = lines.get(customer)
    if (line === undefined && isThere()) return act()
    const next = (line ?? Promise.resolve()).then(async () => {
      await until(isThere, customer, waiting.signal)
      act()
    })
    lines.set(customer, next)
    later(next)
  }
  const edit = (tenant: string, uid: string, fields: Fields) =>
    onceThere(
      `${nameOf(tenant, uid)} in Flow`,
      () => flow.customer(tenant, uid) !== undefined,
      () => flow.editCustomer(tenant, uid, fields),
    )
  const editInShop = (tenant: string, id: string, fields: Fields) =>
    onceThere(
      `${nameOf(tenant, id)} in Omnium`,
      () => omnium.customer(tenant, 'B2C', id) !== undefined,
      () => omnium.editCustomer(tenant, 'B2C', id, editOfOmnium(fields, omnium.customer(tenant, 'B2C', id)!)),
    )

  const perform = (operation: Operation) => {
    counts.set(operation.kind, (counts.get(operation.kind) ?? 0) + 1)
    switch (operation.kind) {
      case 'flow-create':
        return flow.createCustomer(operation.tenant, { ...operation.fields, customerUid: operation.uid })
      case 'flow-edit':
        return edit(operation.tenant, operation.uid, operation.fields)
      case 'flow-order':
        return flow.putOrder(operation.tenant, { orderUid: operation.orderUid, customerUid: operation.uid })
      case 'omnium-create':
        return omnium.createCustomer(operation.tenant, operation.type, operation.fields)
      case 'omnium-edit':
        return omnium.editCustomer(operation.tenant, operation.type, operation.id, operation.fields)
      case 'shop-edit':
        return editInShop(operation.tenant, operation.id, operation.fields)
      case 'omnium-order': {
        const { tenant, orderId: id, customerId, type: customerType } = operation
        return omnium.createOrder(tenant, { id, customerType, ...(customerId !== null && { customerId }) })
      }
      case 'poison': {
        const { tenant, uid: customerId, refusal } = operation
        const rule =
          typeof refusal === 'number'
            ? ({ kind: 'status', status: refusal } as const)
            : ({ kind: 'refused-in-body', refusal } as const)
        const faults = ['POST', 'PATCH'].map((method) => omnium.faults.add({ ...rule, method, tenant, customerId }))
        return poisonFaults.set(nameOf(tenant, customerId), faults)
      }
      case 'cure': {
        const name = nameOf(operation.tenant, operation.uid)
        for (const fault of poisonFaults.get(name) ?? []) omnium.faults.remove(fault)
        return cured.add(name)
      }
      case 'correct':
        edit(operation.tenant, operation.uid, operation.fields)
        return cured.add(nameOf(operation.tenant, operation.uid))
      case 'garbage': {
        const { topic, key } = operation
        const written = operator.write(topic, key, garbageOf(operation))
        return later(
          written.then(({ partition, offset }) =>
            garbage.push({ topic, key, place: `${topic}/${partition}/${offset}`, writtenAt: Date.now() }),
          ),
        )
      }
      case 'replay':
        return later(operator.replay(operation.topic, operation.from, operation.to))
      case 'redrive':
        return later(operator.redrive(new Set(cured)))
    }
  }

  for (const operation of operations) {
    const leftMs = startedAt + operation.atMs - performance.now()
    if (leftMs > 1) await delay(leftMs, undefined, { signal })
    perform(operation)
  }
  return {
    operations: counts,
    garbage,
    cured,
    async finished(until) {
      until.addEventListener('abort', () => waiting.abort(until.reason), { once: true })
      await Promise.all(background)
    },
  }
}

async function until(isThere: () => boolean, customer: string, signal: AbortSignal): Promise<void> {
  while (!isThere()) {
    if (signal.aborted) throw new Error(`an edit still waits for ${customer}`)
    await delay(POLL_MS)
  }
}

/** The same bytes for the same operation. */
const garbageOf = (operation: Operation & { kind: 'garbage' }): Buffer =>
  createHash('shake256', { outputLength: operation.size }).update(JSON.stringify(operation)).digest()
