import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'

const FOLDER = resolve(import.meta.dirname, '..', 'deploy', 'kafka')
const root = mkdtempSync(join(tmpdir(), 'kafka-scripts-'))
afterAll(() => rmSync(root, { recursive: true }))

/** Runs a script of deploy/kafka where Kafka's programs are these texts in place of them; what they log is told. */
const runWith = (script, programs, env) => {
  const place = mkdtempSync(join(root, 'run-'))
  mkdirSync(join(place, 'bin'))
  mkdirSync(join(place, 'scripts'))
  for (const [name, text] of Object.entries(programs)) {
    writeFileSync(join(place, 'bin', name), `#!/usr/bin/env bash\necho "${name} $*" >> ${place}/log\n${text}\n`, {
      mode: 0o755,
    })
  }
  for (const file of [script, 'server.properties']) {
    const text = readFileSync(join(FOLDER, file), 'utf8')
    writeFileSync(
      join(place, 'scripts', file),
      text.replaceAll('/tmp/', `${place}/`).replaceAll('/opt/kafka/bin', `${place}/bin`),
    )
  }
  const options = {
    encoding: 'utf8',
    env: { PATH: `${join(place, 'bin')}:${process.env.PATH}`, TMPDIR: place, ...env },
    timeout: 20_000,
  }
  const { status, stderr } = spawnSync('bash', [join(place, 'scripts', script)], options)
  const log = readFileSync(join(place, 'log'), 'utf8').trim().split('\n')
  return { status, stderr, log, read: (file) => readFileSync(join(place, file), 'utf8') }
}

describe('start.sh', () => {
  const start = (NODE_ID, NAME, LOCAL_PORT, format = '') =>
    runWith(
      'start.sh',
      { 'kafka-storage.sh': format, 'kafka-server-start.sh': 'cp "$1" "$(dirname "$0")/../started"' },
      { NODE_ID, NAME, LOCAL_PORT },
    )

  it('begins a quorum with the first broker, and lets every other one join it', () => {
    const [first, second] = [start('1', 'kafka', '9092'), start('2', 'kafka-2', '9192')]

    for (const { status, stderr, log } of [first, second]) {
      expect(stderr).toBe('')
      expect(status).toBe(0)
      expect(log.map((line) => line.split(' ')[0])).toEqual(['kafka-storage.sh', 'kafka-server-start.sh'])
      expect(log[0]).toContain(' format --ignore-formatted --cluster-id ')
    }
    expect(first.log[0]).toMatch(/ --standalone$/)
    expect(second.log[0]).toMatch(/ --no-initial-controllers$/)
  })

  it('starts a broker under its own name, with what all have in common', () => {
    const properties = start('2', 'kafka-2', '9192').read('started').split('\n')

    expect(properties).toContain('node.id=2')
    expect(properties).toContain('controller.quorum.auto.join.enable=true')
    expect(properties).toContain(
      'advertised.listeners=INTERNAL://kafka-2:19092,LOCAL://localhost:9192,CONTROLLER://kafka-2:9093',
    )
    const names = properties.flatMap((line) => /^([a-z.]+)=/.exec(line)?.[1] ?? [])
    expect(new Set(names).size).toBe(names.length)
  })

  it('starts nothing on a disk that could not be formatted', () => {
    const { status, log } = start('1', 'kafka', '9092', 'exit 3')

    expect(status).toBe(3)
    expect(log).toHaveLength(1)
  })
})

describe('three-copies.sh', () => {
  /** As kafka-topics.sh prints it. */
  const described = (topics) =>
    topics
      .flatMap(({ name, replicas, config }) => [
        `Topic: ${name}\tTopicId: z8b8kDHAQB6GP2OQz1HZIA\tPartitionCount: ${replicas.length}\tReplicationFactor: 1\tConfigs: ${config}`,
        ...replicas.map(
          (ids, i) =>
            `\tTopic: ${name}\tPartition: ${i}\tLeader: 1\tReplicas: ${ids}\tIsr: ${ids}\tElr: \tLastKnownElr: `,
        ),
      ])
      .join('\n')
  const spread = (topics, verify = 'echo Reassignment of partition is completed.') =>
    runWith(
      'three-copies.sh',
      {
        'kafka-topics.sh': `cat << 'END'\n${described(topics)}\nEND`,
        'kafka-reassign-partitions.sh': `if [ "$5" = --execute ]; then cp "$4" "$(dirname "$0")/../copies"; else ${verify}; fi`,
        'kafka-configs.sh': '',
        sleep: '',
      },
      { BROKERS: 'brokers:19092' },
    )
  const few = {
    name: 'few.v1',
    replicas: ['1', '1', '1', '2,1'],
    config: 'min.insync.replicas=1,cleanup.policy=compact',
  }
  const whole = { name: 'whole.v1', replicas: ['3,1,2'], config: 'min.insync.replicas=2' }

  it('gives what has fewer than three copies three, each partition led by another broker', () => {
    const { status, stderr, read } = spread([few, whole])

    expect(stderr).toBe('')
    expect(status).toBe(0)
    expect(JSON.parse(read('copies'))).toEqual({
      version: 1,
      partitions: [
        { topic: 'few.v1', partition: 0, replicas: [1, 2, 3] },
        { topic: 'few.v1', partition: 1, replicas: [2, 3, 1] },
        { topic: 'few.v1', partition: 2, replicas: [3, 1, 2] },
        { topic: 'few.v1', partition: 3, replicas: [1, 2, 3] },
      ],
    })
  })

  it('has two copies in step before a write counts, once the copies are there', () => {
    const { log } = spread([few, whole])

    expect(log.map((line) => line.split(' ')[0])).toEqual([
      ...['kafka-topics.sh', 'kafka-reassign-partitions.sh', 'kafka-reassign-partitions.sh', 'kafka-topics.sh'],
      'kafka-configs.sh',
    ])
    expect(log.at(-1)).toBe(
      'kafka-configs.sh --bootstrap-server brokers:19092 --entity-type topics --entity-name few.v1 --alter --add-config min.insync.replicas=2',
    )
  })

  it('leaves alone what is whole', () => {
    const { status, log } = spread([whole])

    expect(status).toBe(0)
    expect(log.map((line) => line.split(' ')[0])).toEqual(['kafka-topics.sh', 'kafka-topics.sh'])
  })

  it('fails, to be started again, when the copies take too long', () => {
    const { status, log } = spread([few], 'echo Reassignment of partition few.v1-0 is still in progress.')

    expect(status).toBe(1)
    expect(log.some((line) => line.startsWith('kafka-configs.sh'))).toBe(false)
  })
})
