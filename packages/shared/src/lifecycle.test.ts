import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import Fastify from 'fastify'
import { describe, expect, it } from 'vitest'
import { compose, listening, type Part, together } from './lifecycle.ts'
import { createLogger } from './logger.ts'

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

  it('are not started any more once they are stopped', async () => {
    const log: string[] = []
    const reached = Promise.withResolvers<void>()
    const waiting: Part = { name: 'waiting', start: () => reached.promise, stop: async () => {} }
    const service = compose([waiting, recorded(log)('a')])

    const started = service.start()
    await service.stop()
    reached.resolve()
    await started

    expect(log).toEqual([])
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

describe('a listening app', () => {
  it('closes also while somebody never gets to the end of a request', async () => {
    const app = Fastify()
    const begun = Promise.withResolvers<void>()
    app.addHook('onRequest', async () => begun.resolve())
    app.post('/', async () => 'done')
    const part = listening('app', app, '127.0.0.1', 0, createLogger({ service: 'test', level: 'silent' }))
    await part.start()
    const slow = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
    slow.on('error', () => {})
    const closed = once(slow, 'close')
    slow.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{')
    await begun.promise

    await part.stop()

    await closed
  })

  it('lets a request under way be answered', async () => {
    const app = Fastify()
    const asked = Promise.withResolvers<void>()
    const answered = Promise.withResolvers<string>()
    app.get('/', () => {
      asked.resolve()
      return answered.promise
    })
    const part = listening('app', app, '127.0.0.1', 0, createLogger({ service: 'test', level: 'silent' }))
    await part.start()
    const { port } = app.server.address() as AddressInfo
    const answer = fetch(`http://127.0.0.1:${port}/`)
    await asked.promise

    const stopped = part.stop()
    answered.resolve('done')

    expect(await (await answer).text()).toBe('done')
    await stopped
  })
})
