import { describe, expect, it } from 'vitest'
import { endInTime } from './end-in-time.ts'

describe('the end of what needs the broker', () => {
  it('is waited for', async () => {
    let ended = false
    const ending = new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      ended = true
    })

    expect(await endInTime(ending, 10_000)).toBe(true)

    expect(ended).toBe(true)
  })

  it('is not waited for without end', async () => {
    expect(await endInTime(new Promise(() => {}), 5)).toBe(false)
  })

  it('that fails is no failure of the stop', async () => {
    expect(await endInTime(Promise.reject(new Error('no broker')), 10_000)).toBe(true)
  })
})
