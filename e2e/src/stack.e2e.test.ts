import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Kafka, logLevel } from 'kafkajs'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createTopics } from './create-topics.ts'
import { eventually } from './eventually.ts'
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

/** A connection, as the promise of its end, in good order or not. */
const connectedTo = async (url: string) => {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  await once(socket, 'connect')
  onTestFinished(() => void socket.destroy())
  socket.on('error', () => {}).resume()
  return { closed: new Promise((done) => socket.once('close', done)) }
}

/** Far above what a broker takes to start on a busy machine. */
const UP_MS = 90_000

/** `npm run stack` without npm, with a folder of its own for whatever it leaves in one. */
const stackProgram = (env: NodeJS.ProcessEnv) => {
  const tmp = mkdtempSync(join(tmpdir(), 'stack-e2e-'))
  onTestFinished(() => rmSync(tmp, { recursive: true, force: true }))
  const program = fileURLToPath(import.meta.resolve('@sync/sandbox/stack-main'))
  const child = spawn(process.execPath, [program], {
    env: { ...env, TMPDIR: tmp },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const said = { out: '', err: '' }
  child.stdout.on('data', (chunk: Buffer) => {
    said.out += chunk
  })
  child.stderr.on('data', (chunk: Buffer) => {
    said.err += chunk
  })
  const untilUp = () => eventually('the stack', () => said.err.includes('Ctrl-C ends it'), UP_MS)
  return { child, said, untilUp, exited: once(child, 'close').then(([code]) => code), left: () => readdirSync(tmp) }
}

/** A variable of an environment that was printed for a shell. */
const exported = (text: string, name: string): string => {
  const value = new RegExp(`^export ${name}=(.*)$`, 'm').exec(text)?.[1]
  if (value === undefined) throw new Error(`no ${name} in:\n${text}`)
  return value
}

describe('npm run stack', () => {
  test('prints an environment for a shell and nothing else, and says the rest beside it', async () => {
    const { said, untilUp } = stackProgram({ ...process.env, TOPIC_PREFIX: newTopicPrefix('stack') })

    await untilUp()

    const names = said.out.split('\n').map((line) => /^export (\w+)=\S+$/.exec(line)?.[1])
    expect(names).toEqual([
      ...[
        'PATH',
        'KAFKA_BROKERS',
        'SCHEMA_REGISTRY_URL',
        'TOPIC_PREFIX',
        'TENANTS_FILE',
        'WEBHOOK_SECRET',
        'HTTP_HOST',
      ],
      ...['FLOW_ADMIN_URL', 'OMNIUM_ADMIN_URL', undefined],
    ])
    expect(said.err).toContain('services/flow-ingest/src/main.ts')
  })

  test('refuses an option that it does not know', async () => {
    const program = fileURLToPath(import.meta.resolve('@sync/sandbox/stack-main'))
    const child = spawn(process.execPath, [program, '--prots'], { stdio: 'ignore' })

    expect(await once(child, 'close')).toEqual([64, null])
  })
})

describe.runIf(sharedStack().mode === 'jvm')('a stack on the local Java', () => {
  test.each([
    ['SIGKILL', null],
    ['SIGTERM', 0],
    ['SIGINT', 0],
  ] as const)('leaves nothing behind when its owner gets %s', async (signal, code) => {
    const { child, said, untilUp, exited, left } = stackProgram({ ...envWithoutStack(), SYNC_STACK: 'jvm' })
    await untilUp()
    const urls = ['SCHEMA_REGISTRY_URL', 'FLOW_ADMIN_URL', 'OMNIUM_ADMIN_URL'].map((name) => exported(said.out, name))
    const servers = await Promise.all(
      [`kafka://${exported(said.out, 'KAFKA_BROKERS')}`, ...urls].map((url) => connectedTo(url)),
    )
    expect(left()).not.toEqual([])

    child.kill(signal)

    expect(await exited).toBe(code)
    await Promise.all(servers.map(({ closed }) => closed))
    // The folders go last, once every process that used them is gone.
    await expect.poll(() => left()).toEqual([])
  })

  test('leaves nothing behind when it is interrupted before it is up', async () => {
    const { child, said, exited, left } = stackProgram({ ...envWithoutStack(), SYNC_STACK: 'jvm' })
    await expect.poll(() => left()).not.toEqual([])

    child.kill('SIGINT')

    expect(await exited).toBe(0)
    expect(said.out).toBe('')
    await expect.poll(() => left()).toEqual([])
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
