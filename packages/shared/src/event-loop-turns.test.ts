import { expect, it } from 'vitest'
import { createEventLoopTurns } from './event-loop-turns.ts'

it('a work goes on without a wait until its piece is over', () => {
  let now = 0
  const turns = createEventLoopTurns(() => now)

  now = 9
  expect(turns.next()).toBeNull()
  now = 10
  expect(turns.next()).toBeInstanceOf(Promise)
})

it('works take turns, and the event loop handles something else between two pieces', async () => {
  let now = 0
  const turns = createEventLoopTurns(() => now)
  const done: string[] = []
  const work = async (name: string) => {
    for (let piece = 0; piece < 3; piece++) {
      now += 10
      await turns.next()
      done.push(name)
    }
  }
  const other = () => {
    done.push('other')
    if (done.length < 10) setImmediate(other)
  }

  setImmediate(other)
  await Promise.all([work('a'), work('b')])

  const works = done.filter((name) => name !== 'other')
  expect(works).toEqual(['a', 'b', 'a', 'b', 'a', 'b'])
  expect(done.join(' ')).not.toMatch(/[ab] [ab]/)
})
