import { deadLetterTopicOf, SERVICES } from '@sync/shared/kafka/topics'
import type { Journal } from '../journal.ts'
import { type Difference, differencesOf, rowDifferences } from './compare.ts'
import { type Expected, expectedState } from './expected.ts'
import type { FlowStamps } from './expected-flow.ts'
import { type System, TENANT } from './system.ts'
import type { LoggedRecord, TopicLog } from './topic-log.ts'

/** Compares every field of every customer of both stand-ins, the dead letters and the raw orders with what is expected. */
export function checkDay({ flow, omnium, log }: System, startedAt: number): Difference[] {
  const expected = expectedState(stampsOf(flow.journal), { from: startedAt, to: Date.now() })
  return [
    ...rowDifferences(expected.flowCustomers, byId(flow.customers(TENANT), 'customerUid'), 'Flow'),
    ...rowDifferences(expected.privateCustomers, byId(omnium.customers(TENANT, 'B2C'), 'customerId'), 'Omnium B2C'),
    ...rowDifferences(expected.businessCustomers, byId(omnium.customers(TENANT, 'B2B'), 'customerId'), 'Omnium B2B'),
    ...orderDifferences('flow.orders.v1', expected.flowOrders, log),
    ...orderDifferences('omnium.orders.v1', expected.omniumOrders, log),
    ...deadLetterDifferences(expected, log),
  ]
}

/** How many fields `checkDay` looks at, nested ones one by one. */
export const countCompared = ({ flow, omnium, log }: System): number =>
  countFields([
    flow.customers(TENANT),
    omnium.customers(TENANT, 'B2C'),
    omnium.customers(TENANT, 'B2B'),
    ...(['flow.orders.v1', 'omnium.orders.v1'] as const).flatMap((topic) =>
      log.records(topic).map(({ value }) => value),
    ),
  ])

function countFields(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 1
  return Object.values(value).reduce((sum: number, part) => sum + countFields(part), 0)
}

/** What Flow's stand-in stamped its customers with, from its journal. */
export function stampsOf(journal: Pick<Journal, 'writes'>): FlowStamps {
  const nth = (uid: string, index: number, isApi: boolean) => {
    const writes = journal.writes({ id: uid }).filter(({ resource, operation, requestId }) => {
      const isWrite = resource === 'customer' && (operation === 'created' || operation === 'updated')
      return isWrite && (requestId !== null) === isApi
    })
    return writes[index - 1]?.version ?? undefined
  }
  return { till: (uid, index) => nth(uid, index, false), api: (uid, index) => nth(uid, index, true) }
}

const byId = <Row extends object>(rows: readonly Row[], id: keyof Row) =>
  new Map(rows.map((row) => [String(row[id]), row]))

/** A record may come twice: what is promised is at least once. */
function orderDifferences(
  topic: 'flow.orders.v1' | 'omnium.orders.v1',
  expected: Readonly<Record<string, unknown>>,
  log: Pick<TopicLog, 'records'>,
): Difference[] {
  const found = new Map<string, unknown>()
  const odd: Difference[] = []
  for (const { key, value, offset, partition } of log.records(topic)) {
    const order = (value as { order?: unknown } | null)?.order
    if (key !== null && order !== undefined) found.set(key, order)
    else
      odd.push({ where: `${topic} ${partition}/${offset}`, expected: 'an order with a key', actual: 'something else' })
  }
  return [...odd, ...rowDifferences(expected, found, topic)]
}

function deadLetterDifferences({ deadLetters }: Expected, log: Pick<TopicLog, 'records'>): Difference[] {
  const found = SERVICES.flatMap((service) => log.records(deadLetterTopicOf(service)))
  const nameOf = ({ topic, key }: LoggedRecord) => `${topic} ${key}`
  // One that is parked twice by a crash counts once: it is identified by its origin.
  const origins = new Map(
    found.map((it) => [`${it.headers['dl-topic']}/${it.headers['dl-partition']}/${it.headers['dl-offset']}`, it]),
  )
  const reasons = new Map<string, string[]>()
  for (const letter of origins.values()) {
    reasons.set(nameOf(letter), [...(reasons.get(nameOf(letter)) ?? []), letter.headers['dl-reason'] ?? ''])
  }
  const actual = new Map([...reasons].map(([name, list]) => [name, list.join(', ')]))
  const names = new Set([...Object.keys(deadLetters), ...actual.keys()])
  return [...names].flatMap((name) => differencesOf(deadLetters[name], actual.get(name), `dead letter ${name}`))
}
