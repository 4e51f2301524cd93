import { once } from 'node:events'
import { createServer } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { freePorts, onFreePorts } from './free-ports.ts'

const listening = async (port: number) => {
  const server = createServer().listen({ port, host: '127.0.0.1' })
  await once(server, 'listening')
  onTestFinished(() => void server.close())
}

test('a port that somebody listens on is passed over', async () => {
  const [taken] = await freePorts(1)
  await listening(taken!)
  const chances = [(taken! - 20_000) / 12_000, Math.random()]

  const [port] = await freePorts(1, () => chances.shift() ?? Math.random())

  expect(port).not.toBe(taken)
})

test('ports asked for together differ', async () => {
  const [one] = await freePorts(1)
  const same = (one! - 20_000) / 12_000
  const chances = [same, same, same]

  const ports = await freePorts(2, () => chances.shift() ?? Math.random())

  expect(new Set(ports).size).toBe(2)
})

test('a server whose port went to another starts again, and any other failure is final', async () => {
  const attempts: number[] = []
  const started = await onFreePorts(async (attempt) => {
    attempts.push(attempt)
    if (attempt < 3) throw new Error('starting kafka: Address already in use')
    return 'up'
  })
  expect(started).toBe('up')
  expect(attempts).toEqual([1, 2, 3])

  await expect(onFreePorts(() => Promise.reject(new Error('out of memory')))).rejects.toThrow('out of memory')
  await expect(onFreePorts(() => Promise.reject(new Error('in use')))).rejects.toThrow('in use')
})
