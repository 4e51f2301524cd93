import { once } from 'node:events'
import { createServer } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { freePorts, isFree, onFreePorts } from './free-ports.ts'

/** One that was not given to anybody. */
const aPort = async () => {
  let port = 20_000 + Math.floor(Math.random() * 10_000)
  while (!(await isFree(port))) port++
  return port
}
const chanceOf = (port: number) => (port - 20_000 + 0.5) / 12_000

const listening = async (port: number) => {
  const server = createServer().listen({ port, host: '127.0.0.1' })
  await once(server, 'listening')
  onTestFinished(() => void server.close())
}

test('a port that somebody listens on is passed over', async () => {
  const taken = await aPort()
  await listening(taken)
  const chances = [chanceOf(taken), Math.random()]

  const [port] = await freePorts(1, () => chances.shift() ?? Math.random())

  expect(port).not.toBe(taken)
})

test('ports asked for together differ', async () => {
  const same = chanceOf(await aPort())
  const chances = [same, same, same]

  const ports = await freePorts(2, () => chances.shift() ?? Math.random())

  expect(new Set(ports).size).toBe(2)
})

test('ports asked for one after the other differ, though nobody listens yet', async () => {
  const same = chanceOf(await aPort())
  const chances = [same, same]
  const next = () => chances.shift() ?? Math.random()

  const ports = [...(await freePorts(1, next)), ...(await freePorts(1, next))]

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
