import { expect, it } from 'vitest'
import { untilSame } from './until-same.ts'

it('goes on until a round led to nothing more', async () => {
  const leads = [3, 1, 0, 5]
  let writes = 0
  let rounds = 0

  await untilSame(
    () => writes,
    async () => {
      writes += leads[rounds++]!
    },
  )

  expect({ rounds, writes }).toEqual({ rounds: 3, writes: 4 })
})

it('has one round at least', async () => {
  let rounds = 0

  await untilSame(
    () => 0,
    async () => void rounds++,
  )

  expect(rounds).toBe(1)
})
