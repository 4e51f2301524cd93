import { setTimeout as delay } from 'node:timers/promises'
import type { OmniumApi } from '@sync/sandbox/omnium-api'

/** Resolves when Omnium has so many private customers of each tenant. Throws an Error after `withinMs`. */
export async function untilCreated(
  omnium: OmniumApi,
  tenants: readonly string[],
  customers: number,
  withinMs: number,
): Promise<void> {
  const deadline = performance.now() + withinMs
  while (tenants.some((tenant) => omnium.customers(tenant, 'B2C').length < customers)) {
    if (performance.now() > deadline) throw new Error(`the customers are not all in Omnium within ${withinMs} ms`)
    await delay(50)
  }
}
