import { setTimeout as delay } from 'node:timers/promises'

/** Tries every second, so many times: a broker may be down, and a machine at its limit answers late. */
export async function patiently<V>(work: () => Promise<V>, attempts = 60): Promise<V> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (attempt >= attempts) throw error
      await delay(1_000)
    }
  }
}
