import { expect, it } from 'vitest'
import { createSequences, LAST_EPOCH } from './sequences.ts'

const begun = () => {
  const sequences = createSequences()
  sequences.begin(7n)
  return sequences
}

it('a partition’s batches follow one another', () => {
  const sequences = begun()

  expect([3, 2, 1].map((count) => sequences.take('a', 0, count))).toEqual([0, 3, 5])
  expect(sequences.take('a', 1, 1)).toBe(0)
})

it('a new epoch begins at 0, once for each epoch that is left', () => {
  const sequences = begun()
  sequences.take('a', 0, 3)

  sequences.leaveEpoch(0)
  expect([sequences.producer(), sequences.take('a', 0, 1)]).toEqual([{ id: 7n, epoch: 1 }, 0])
  sequences.leaveEpoch(0)

  expect([sequences.producer(), sequences.take('a', 0, 1)]).toEqual([{ id: 7n, epoch: 1 }, 1])
})

it('numbers that were not used are given back, unless others were taken since', () => {
  const sequences = begun()
  const batch = { topic: 'a', partition: 0, epoch: 0, count: 3 }

  sequences.giveBack({ ...batch, first: sequences.take('a', 0, 3) })
  expect(sequences.take('a', 0, 3)).toBe(0)
  sequences.take('a', 0, 1)
  sequences.giveBack({ ...batch, first: 0 })

  expect(sequences.take('a', 0, 1)).toBe(4)
})

it('numbers begin again after 31 bits', () => {
  const sequences = begun()
  sequences.take('a', 0, 2 ** 31 - 1)

  expect(sequences.take('a', 0, 3)).toBe(2 ** 31 - 1)
  expect(sequences.take('a', 0, 1)).toBe(2)
})

it('after the last epoch another producer id is needed', () => {
  const sequences = begun()
  for (let epoch = 0; epoch < LAST_EPOCH; epoch++) sequences.leaveEpoch(epoch)
  expect(sequences.producer()).toEqual({ id: 7n, epoch: LAST_EPOCH })

  sequences.leaveEpoch(LAST_EPOCH)
  expect(sequences.producer()).toBeNull()
  sequences.begin(8n)

  expect(sequences.producer()).toEqual({ id: 8n, epoch: 0 })
})
