import { expect, test } from 'vitest'
import { aCall, aTenant } from '../testing/builders.ts'
import type { TargetRequest } from './request.ts'
import { createTargetUsage } from './target-usage.ts'

const MINUTE_MS = 60_000

function given() {
  let nowMs = 1_000 * MINUTE_MS
  let status = 200
  const usage = createTargetUsage(() => nowMs)
  const send = usage.count(async () => ({ status, headers: {}, text: '' }))
  const request = (tenant = 'acme') =>
    ({ target: 'omnium', call: aCall({ tenant: aTenant({ uid: tenant }) }) }) as unknown as TargetRequest
  return {
    usage,
    async send(answered = 200, tenant?: string) {
      status = answered
      await send(request(tenant))
    },
    pass: (minutes: number) => {
      nowMs += minutes * MINUTE_MS
    },
  }
}

test('counts the answers of the last hour for each tenant, and those of them that were 429', async () => {
  const { usage, send, pass } = given()
  await send()
  await send(429)
  pass(30)
  await send(500)
  await send(200, 'other')

  expect(usage.lastHour()).toEqual([
    { tenant: 'acme', target: 'omnium', requests: 3, throttled: 1 },
    { tenant: 'other', target: 'omnium', requests: 1, throttled: 0 },
  ])
})

test('forgets answers that are older than an hour, and then the tenant', async () => {
  const { usage, send, pass } = given()
  await send(429)
  pass(45)
  await send()
  pass(20)
  expect(usage.lastHour()).toEqual([{ tenant: 'acme', target: 'omnium', requests: 1, throttled: 0 }])
  pass(60)
  expect(usage.lastHour()).toEqual([])
})
