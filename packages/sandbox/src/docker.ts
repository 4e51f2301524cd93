import { setTimeout as delay } from 'node:timers/promises'
import type { StartedTestContainer } from 'testcontainers'
import { LONE_BROKER, renderContainerEnv } from './broker-properties.ts'
import { KAFKA_VERSION, REGISTRY_VERSION } from './jars.ts'
import { doesKafkaAnswer } from './kafka.ts'
import { REGISTRY_PATH, requireBackwardCompatibility } from './schema-registry.ts'

const KAFKA_IMAGE = `apache/kafka:${KAFKA_VERSION}`
const REGISTRY_IMAGE = `apicurio/apicurio-registry-mem:${REGISTRY_VERSION}`
const PROBE_MS = 5_000
const POLL_MS = 100
const KAFKA_PORT = 9092
const REGISTRY_PORT = 8080
const ADDRESS_FILE = '/tmp/advertised-listeners.sh'
const WAITING = 'waiting to be told the address it is reached at'

/** Whether a container engine answers, asked wherever Testcontainers looks for one. */
export const doesDockerAnswer = async (): Promise<boolean> => {
  const { getContainerRuntimeClient } = await import('testcontainers')
  const answers = getContainerRuntimeClient().then(
    () => true,
    () => false,
  )
  return Promise.race([answers, delay(PROBE_MS, false, { ref: false })])
}

const CONTAINER_BROKER = {
  ...LONE_BROKER,
  'controller.quorum.voters': '1@localhost:9094',
  listeners: `PLAINTEXT://:${KAFKA_PORT},BROKER://:9093,CONTROLLER://:9094`,
  'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT',
  'inter.broker.listener.name': 'BROKER',
}

/**
 * A broker tells its clients the address to come back to, but the port that it is reached at is known only once its
 * container runs: so the container waits for a file with the address, and then becomes the broker.
 */
const startKafkaContainer = async (deadlineMs: number) => {
  const { GenericContainer, Wait } = await import('testcontainers')
  const script = `echo '${WAITING}'; until [ -s ${ADDRESS_FILE} ]; do sleep 0.1; done; . ${ADDRESS_FILE}; exec /etc/kafka/docker/run`
  const container = await new GenericContainer(KAFKA_IMAGE)
    .withExposedPorts(KAFKA_PORT)
    .withEnvironment(renderContainerEnv(CONTAINER_BROKER))
    .withEntrypoint(['sh', '-c'])
    .withCommand([script])
    .withWaitStrategy(Wait.forLogMessage(WAITING))
    .withStartupTimeout(deadlineMs)
    .start()
  try {
    const address = `${container.getHost()}:${container.getMappedPort(KAFKA_PORT)}`
    const listeners = `PLAINTEXT://${address},BROKER://localhost:9093`
    await container.copyContentToContainer([
      { content: `export KAFKA_ADVERTISED_LISTENERS='${listeners}'\n`, target: ADDRESS_FILE, mode: 0o644 },
    ])
    await untilKafkaAnswers([address], deadlineMs)
    return { container, brokers: [address] }
  } catch (error) {
    await container.stop()
    throw error
  }
}

const untilKafkaAnswers = async (brokers: string[], deadlineMs: number) => {
  const deadline = AbortSignal.timeout(deadlineMs)
  while (!(await doesKafkaAnswer(brokers))) {
    if (deadline.aborted) throw new Error(`starting ${KAFKA_IMAGE}: no answer within ${deadlineMs} ms`)
    await delay(POLL_MS)
  }
}

const startRegistryContainer = async (deadlineMs: number) => {
  const { GenericContainer, Wait } = await import('testcontainers')
  const container = await new GenericContainer(REGISTRY_IMAGE)
    .withExposedPorts(REGISTRY_PORT)
    .withWaitStrategy(Wait.forHttp(`${REGISTRY_PATH}/subjects`, REGISTRY_PORT).forStatusCode(200))
    .withStartupTimeout(deadlineMs)
    .start()
  try {
    const registryUrl = `http://${container.getHost()}:${container.getMappedPort(REGISTRY_PORT)}${REGISTRY_PATH}`
    await requireBackwardCompatibility(registryUrl)
    return { container, registryUrl }
  } catch (error) {
    await container.stop()
    throw error
  }
}

export interface Containers {
  readonly brokers: string[]
  readonly registryUrl: string
  stop(): Promise<void>
}

/**
 * Kafka and the registry in containers of the engine that answered. Testcontainers' own reaper removes them when this
 * process ends without `stop`. `deadlineMs` counts from when the images are there: pulling them takes what it takes.
 */
export const startContainers = async (deadlineMs: number): Promise<Containers> => {
  const [kafka, registry] = await Promise.allSettled([
    startKafkaContainer(deadlineMs),
    startRegistryContainer(deadlineMs),
  ])
  const started: StartedTestContainer[] = [kafka, registry]
    .filter((result) => result.status === 'fulfilled')
    .map((result) => result.value.container)
  const stop = async () => {
    await Promise.all(started.map((container) => container.stop()))
  }
  if (kafka.status === 'fulfilled' && registry.status === 'fulfilled') {
    return { brokers: kafka.value.brokers, registryUrl: registry.value.registryUrl, stop }
  }
  await stop()
  throw [kafka, registry].find((result) => result.status === 'rejected')?.reason
}
