import { afterEach, expect, test } from 'vitest'
import type { DeliveryEntry } from './journal.ts'
import { createReceiver, type Receiver } from './testing-receiver.ts'
import type { RetryPolicy } from './webhook-retries.ts'
import { createWebhookSender, type WebhookSender, type WebhookSenderOptions } from './webhook-sender.ts'

const opened: { close(): unknown }[] = []
afterEach(async () => {
  for (const it of opened.splice(0)) await it.close()
})

type Attempt = Omit<DeliveryEntry, 'kind' | 'seq' | 'at'>
const atMostThree: RetryPolicy = (attempt, status) => (status === 202 || attempt > 3 ? null : 0)

async function setup(answer?: (index: number) => number | null, options: Partial<WebhookSenderOptions> = {}) {
  const receiver: Receiver = await createReceiver(answer)
  const attempts: Attempt[] = []
  const sender: WebhookSender = createWebhookSender({
    targetOf: () => ({ url: receiver.url, auth: { kind: 'none' } }),
    retries: atMostThree,
    patienceMs: 10_000,
    maxInFlight: 1,
    reorderHoldMs: 0,
    now: () => 1_700_000_000_000,
    onAttempt: (attempt) => attempts.push(attempt),
    ...options,
  })
  opened.push(receiver, sender)
  const send = (objectId: string) => sender.send({ tenant: 'acme', objectId, action: 'X', body: { objectId } })
  const arrived = () => receiver.received.map(({ text }) => JSON.parse(text).objectId)
  return { receiver, sender, attempts, send, arrived }
}

test('a delivery is retried until it is answered well, under the same id', async () => {
  const { sender, send, attempts } = await setup((index) => [503, 500, 202][index] ?? null)

  send('a')
  await sender.idle()

  expect(attempts.map(({ attempt, status, end }) => [attempt, status, end])).toEqual([
    [1, 503, 'retrying'],
    [2, 500, 'retrying'],
    [3, 202, 'delivered'],
  ])
  expect(new Set(attempts.map(({ deliveryId }) => deliveryId)).size).toBe(1)
})

test('a delivery is given up after its last retry', async () => {
  const { sender, send, attempts } = await setup(() => 503)

  send('a')
  await sender.idle()

  expect(attempts.at(-1)).toMatchObject({ attempt: 4, status: 503, end: 'gave-up' })
  expect(sender.counts()).toMatchObject({ sent: 1, gaveUp: 1, pending: 0 })
})

test('a receiver that does not answer in time counts as no answer', async () => {
  const { sender, send, attempts } = await setup((index) => (index === 0 ? null : 202), { patienceMs: 20 })

  send('a')
  await sender.idle()

  expect(attempts.map(({ status }) => status)).toEqual([null, 202])
})

test('a tenant without a target gets nothing, and that is told', async () => {
  const { sender, send, attempts, arrived } = await setup(undefined, { targetOf: () => null })

  send('a')
  await sender.idle()

  expect(attempts).toMatchObject([{ end: 'off' }])
  expect(arrived()).toEqual([])
})

test.each([
  { does: 'drops', draws: [0.1, 0.9], shares: { drop: 0.5 }, arrives: ['b'] },
  { does: 'duplicates', draws: [0.1, 0.9], shares: { duplicate: 0.5 }, arrives: ['a', 'a', 'b'] },
  { does: 'reorders', draws: [0.1, 0.9], shares: { reorder: 0.5 }, arrives: ['b', 'a'] },
])('a disturbance $does deliveries as its chance says', async ({ draws, shares, arrives }) => {
  const { sender, send, arrived } = await setup()
  const drawn = [...draws]
  sender.disturb({ chance: () => drawn.shift() ?? 1, ...shares })

  send('a')
  send('b')
  await sender.idle()

  expect(arrived()).toEqual(arrives)
})

test('a reordered delivery with no later one is sent all the same', async () => {
  const { sender, send, arrived } = await setup()
  sender.disturb({ chance: () => 0, reorder: 1 })

  send('a')
  await sender.idle()

  expect(arrived()).toEqual(['a'])
})

test('many deliveries all arrive, in order when one is in flight at a time', async () => {
  const { sender, send, arrived } = await setup()
  const ids = Array.from({ length: 1500 }, (_, index) => String(index))

  for (const id of ids) send(id)
  await sender.idle()

  expect(arrived()).toEqual(ids)
})

test('closing gives up what is pending', async () => {
  const { sender, send, attempts } = await setup(() => null)
  send('a')

  await sender.close()

  await sender.idle()
  expect(attempts).toEqual([])
})
