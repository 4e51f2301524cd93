/** What a lone broker of a test or demo is set to, wherever it runs; listeners and folders come on top. */
export const LONE_BROKER: Readonly<Record<string, string>> = {
  'process.roles': 'broker,controller',
  'node.id': '1',
  'controller.listener.names': 'CONTROLLER',
  'auto.create.topics.enable': 'false',
  'group.initial.rebalance.delay.ms': '0',
  'group.min.session.timeout.ms': '1000',
  // After a crash, the broker may come back only once its former self has been given up.
  'broker.session.timeout.ms': '4000',
  'broker.heartbeat.interval.ms': '1000',
  'offsets.topic.replication.factor': '1',
  'offsets.topic.num.partitions': '4',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'transaction.state.log.num.partitions': '1',
  'share.coordinator.state.topic.replication.factor': '1',
  'share.coordinator.state.topic.min.isr': '1',
  'share.coordinator.state.topic.num.partitions': '1',
  // The default takes 128 MB of the heap at once.
  'log.cleaner.dedupe.buffer.size': '8388608',
  // Every partition of every topic maps two index files of this size.
  'log.index.size.max.bytes': '1048576',
}

export interface BrokerPlace {
  readonly brokerPort: number
  readonly controllerPort: number
  readonly dataFolder: string
}

/** server.properties of a broker that listens on loopback only. */
export const renderServerProperties = ({ brokerPort, controllerPort, dataFolder }: BrokerPlace): string => {
  const properties = {
    ...LONE_BROKER,
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    listeners: `PLAINTEXT://127.0.0.1:${brokerPort},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${brokerPort}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': dataFolder,
  }
  return Object.entries(properties)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('')
}

/** Kafka's image takes each setting as a variable: `node.id` is KAFKA_NODE_ID. */
export const renderContainerEnv = (properties: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(properties).map(([key, value]) => [`KAFKA_${key.toUpperCase().replaceAll('.', '_')}`, value]),
  )
