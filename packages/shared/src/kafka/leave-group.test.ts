import { describe, expect, it } from 'vitest'
import { leaveInTime } from './leave-group.ts'

describe('leaving a group', () => {
  it('is waited for', async () => {
    let left = false
    const leaving = new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      left = true
    })

    await leaveInTime(leaving, 10_000)

    expect(left).toBe(true)
  })

  it('is not waited for without end', async () => {
    await expect(leaveInTime(new Promise(() => {}), 5)).resolves.toBeUndefined()
  })

  it('that fails is no failure of the stop', async () => {
    await expect(leaveInTime(Promise.reject(new Error('no broker')), 10_000)).resolves.toBeUndefined()
  })
})
