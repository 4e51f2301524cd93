import { describe, expect, it } from 'vitest'
import { compose, type Part, together } from './lifecycle.ts'

const recorded =
  (log: string[], failing: readonly string[] = []) =>
  (name: string): Part => ({
    name,
    start: async () => {
      log.push(`start ${name}`)
      if (failing.includes(`start ${name}`)) throw new Error(name)
    },
    stop: async () => {
      log.push(`stop ${name}`)
      if (failing.includes(`stop ${name}`)) throw new Error(name)
    },
  })

describe('composed parts', () => {
  it('start in order and stop in reverse, once', async () => {
    const log: string[] = []
    const service = compose(['a', 'b', 'c'].map(recorded(log)))

    await service.start()
    await service.stop()
    await service.stop()

    expect(log).toEqual(['start a', 'start b', 'start c', 'stop c', 'stop b', 'stop a'])
  })

  it('leave out what was not reached when a start fails', async () => {
    const log: string[] = []
    const service = compose(['a', 'b', 'c'].map(recorded(log, ['start b'])))

    await expect(service.start()).rejects.toThrow('b')
    await service.stop()

    expect(log).toEqual(['start a', 'start b', 'stop b', 'stop a'])
  })

  it('are all stopped even when one fails to', async () => {
    const log: string[] = []
    const service = compose(['a', 'b'].map(recorded(log, ['stop b'])))

    await service.start()

    await expect(service.stop()).rejects.toThrow('stopping failed')
    expect(log.slice(2)).toEqual(['stop b', 'stop a'])
  })
})

describe('parts beside each other', () => {
  it('start in order, and stop at once: one may be waiting for what the other ends', async () => {
    const log: string[] = []
    const ended = Promise.withResolvers<void>()
    const waiting: Part = {
      name: 'waiting',
      start: async () => void log.push('start waiting'),
      stop: () => ended.promise,
    }
    const ending: Part = {
      name: 'ending',
      start: async () => void log.push('start ending'),
      stop: async () => {
        log.push('stop ending')
        ended.resolve()
      },
    }
    const beside = together('beside', [ending, waiting])

    await beside.start()
    await beside.stop()

    expect(log).toEqual(['start ending', 'start waiting', 'stop ending'])
  })

  it('are all stopped even when one fails to, or was not reached', async () => {
    const log: string[] = []
    const beside = together('beside', ['a', 'b', 'c'].map(recorded(log, ['stop a', 'start b'])))

    await expect(beside.start()).rejects.toThrow('b')
    await expect(beside.stop()).rejects.toThrow('stopping failed')

    expect(log).toEqual(['start a', 'start b', 'stop a', 'stop b'])
  })
})
