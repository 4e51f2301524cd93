import { createManualTime } from '@sync/shared/testing/manual-time'
import { describe, expect, test } from 'vitest'
import { createProgress } from './progress.ts'

const SECOND = 1_000

/** Progress that is told where no bar can be drawn, by a clock that the test moves. */
function givenProgress(what = 'sent', doneBefore = 0) {
  const time = createManualTime()
  const said: string[] = []
  const terminal = { env: {}, isTTY: false, out: () => {}, err: (text: string) => void said.push(text) }
  return {
    progress: createProgress(terminal, what, time.now, doneBefore),
    said,
    pass: (ms: number) => time.advance(ms),
  }
}

describe('progress where there is no terminal', () => {
  test('is a line with what is done, how fast, and the time left', async () => {
    const { progress, said, pass } = givenProgress('sent')
    progress.update(0, 1_000)

    await pass(10 * SECOND)
    progress.update(200)

    expect(said).toEqual(['sent 200/1000  20/s  40 s left\n'])
  })

  test('is a line every five seconds at most', async () => {
    const { progress, said, pass } = givenProgress()

    for (let done = 0; done < 16; done++) {
      progress.update(done * 100, 10_000)
      await pass(SECOND)
    }

    expect(said.map((line) => line.split('  ')[0])).toEqual(['sent 500/10000', 'sent 1000/10000', 'sent 1500/10000'])
  })

  test('says nothing of the time left while the total is unknown', async () => {
    const { progress, said, pass } = givenProgress('read')
    progress.update(0)

    await pass(10 * SECOND)
    progress.update(25)

    expect(said).toEqual(['read 25  2.5/s\n'])
  })

  test('says nothing of the time left while nothing gets done', async () => {
    const { progress, said, pass } = givenProgress()
    progress.update(0, 100)

    await pass(10 * SECOND)
    progress.update(0)

    expect(said).toEqual(['sent 0/100  0.0/s\n'])
  })

  test('counts by a total that grows, and by one that is not known any more', async () => {
    const { progress, said, pass } = givenProgress()
    progress.update(0, 100)

    await pass(10 * SECOND)
    progress.update(50, 200)
    await pass(10 * SECOND)
    progress.update(100, null)

    expect(said).toEqual(['sent 50/200  5.0/s  30 s left\n', 'sent 100  5.0/s\n'])
  })

  test('tells the rate of this run alone when an earlier one had done a part', async () => {
    const { progress, said, pass } = givenProgress('sent', 900)
    progress.update(900, 1_000)

    await pass(10 * SECOND)
    progress.update(910)

    expect(said).toEqual(['sent 910/1000  1.0/s  1 min 30 s left\n'])
  })

  test('ends with how long it took', async () => {
    const { progress, said, pass } = givenProgress()
    progress.update(0, 100)
    await pass(2 * SECOND)
    progress.update(100)
    await pass(2 * SECOND)

    progress.stop()

    expect(said).toEqual(['sent 100/100  25/s  took 4 s\n'])
  })

  test('ends with where it stood when it was stopped halfway', async () => {
    const { progress, said, pass } = givenProgress()
    progress.update(0, 100)
    await pass(2 * SECOND)
    progress.update(50)

    progress.stop()

    expect(said).toEqual(['sent 50/100  25/s  2 s left\n'])
  })

  test('ends without a word when nothing was done', () => {
    const { progress, said } = givenProgress()
    progress.update(0, 0)

    progress.stop()

    expect(said).toEqual([])
  })

  test('says other things at once, in lines of their own', () => {
    const { progress, said } = givenProgress()

    progress.say('1 page had to be asked for again.')

    expect(said).toEqual(['1 page had to be asked for again.\n'])
  })
})
