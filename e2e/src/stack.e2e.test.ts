import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Kafka, logLevel } from 'kafkajs'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { createTopics } from './create-topics.ts'
import { envWithoutStack, newTopicPrefix, sharedStack, startOwnStack } from './stack.ts'

const anAdmin = async (brokers: string[]) => {
  const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  onTestFinished(() => admin.disconnect())
  return admin
}

describe('the shared stack', () => {
  const { mode, brokers, registryUrl } = sharedStack()

  test('has a broker that answers, and makes topics when it is asked to', async () => {
    const admin = await anAdmin(brokers)
    const topic = `${newTopicPrefix('stack')}made`

    await createTopics(admin, [{ topic, numPartitions: 3 }])

    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
    expect(topics[0]?.partitions).toHaveLength(3)
  })

  describe.runIf(mode !== 'given')('when it was started for the run', () => {
    test('makes no topic that nobody asked for', async () => {
      const admin = await anAdmin(brokers)
      const topic = `${newTopicPrefix('stack')}never-made`

      await expect(admin.fetchTopicMetadata({ topics: [topic] })).rejects.toThrow()

      expect(await admin.listTopics()).not.toContain(topic)
    })

    test('has a registry that refuses what is not backward compatible', async () => {
      const response = await fetch(`${registryUrl}/config`)

      expect(await response.json()).toEqual({ compatibilityLevel: 'BACKWARD' })
    })
  })
})

/** What stack-main.ts prints. */
interface Printed {
  brokers: string[]
  registryUrl: string
  dataFolder: string
}

const connectedTo = async (host: string, port: string) => {
  const socket = connect(Number(port), host)
  await once(socket, 'connect')
  onTestFinished(() => void socket.destroy())
  return socket.resume()
}

const stackProgram = () => {
  const program = fileURLToPath(import.meta.resolve('@sync/sandbox/stack-main'))
  const env = { ...envWithoutStack(), SYNC_STACK: 'jvm' }
  const owner = spawn(process.execPath, [program], { env, stdio: ['ignore', 'pipe', 'ignore'] })
  onTestFinished(() => void owner.kill('SIGTERM'))
  return owner
}

describe.runIf(sharedStack().mode === 'jvm')('a stack on the local Java', () => {
  test.each(['SIGKILL', 'SIGTERM'] as const)('leaves nothing behind when its owner gets %s', async (signal) => {
    const owner = stackProgram()
    const [line] = await once(createInterface(owner.stdout), 'line')
    const { brokers, registryUrl, dataFolder }: Printed = JSON.parse(line)
    const [host, port] = brokers[0]!.split(':')
    const registry = new URL(registryUrl)
    const servers = await Promise.all([connectedTo(host!, port!), connectedTo(registry.hostname, registry.port)])
    expect(existsSync(dataFolder)).toBe(true)

    owner.kill(signal)

    await Promise.all(servers.map((socket) => once(socket, 'close')))
    // The folder goes last, once every process that used it is gone.
    await vi.waitFor(() => expect(existsSync(dataFolder)).toBe(false), { timeout: 30_000 })
  })

  test('keeps its address and its records over a stop and a crash of the broker', async () => {
    const stack = await startOwnStack()
    onTestFinished(() => stack.stop())
    const admin = await anAdmin(stack.brokers)
    const producer = new Kafka({ brokers: stack.brokers, logLevel: logLevel.NOTHING }).producer()
    onTestFinished(() => producer.disconnect())
    await createTopics(admin, [{ topic: 'kept', numPartitions: 1 }])
    await producer.connect()

    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      await producer.send({ topic: 'kept', acks: -1, messages: [{ value: signal }] })
      await stack.kafka!.stop(signal)
      expect(stack.local!.pids().kafka).toBeUndefined()
      await stack.kafka!.start()
    }

    expect(await admin.fetchTopicOffsets('kept')).toMatchObject([{ partition: 0, high: '2' }])
  })
})
