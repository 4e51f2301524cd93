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

/** More settings of a broker in a cluster of three. Leaders return to their preferred replicas soon after these replicas are up. */
const ONE_OF_THREE: Readonly<Record<string, string>> = {
  'min.insync.replicas': '2',
  'offsets.topic.replication.factor': '3',
  'transaction.state.log.replication.factor': '3',
  'transaction.state.log.min.isr': '2',
  'share.coordinator.state.topic.replication.factor': '3',
  'share.coordinator.state.topic.min.isr': '2',
  'leader.imbalance.check.interval.seconds': '2',
}

export interface BrokerPlace {
  readonly brokerPort: number
  readonly controllerPort: number
  readonly dataFolder: string
  /** Counts from 1. Default: 1. */
  readonly nodeId?: number
  /** The controller ports of all nodes of the cluster, by their ids from 1 on. Default: this node is alone. */
  readonly controllerPorts?: readonly number[]
}

/** A broker that takes clients by TLS and SASL only, and asks its ACLs what they may do. */
export interface BrokerSecurity {
  /** PEM: the broker's key and its certificate, for `localhost` and 127.0.0.1. */
  readonly keystoreFile: string
  /** PEM: the authority of that certificate, and of those that clients may show. */
  readonly truststoreFile: string
  /** The one user that the ACLs don't count for. */
  readonly superUser: string
  /** Passwords by user, the super user included. By SCRAM they are known only once they are stored: see `scramOf`. */
  readonly passwords: Readonly<Record<string, string>>
  /** After this time the broker closes a connection that has not authenticated again. Default: never. */
  readonly maxReauthMs?: number
}

/** server.properties of a node that is broker and controller, and listens on loopback only. */
export const renderServerProperties = (place: BrokerPlace, security?: BrokerSecurity): string => {
  const { brokerPort, controllerPort, dataFolder, nodeId = 1, controllerPorts = [controllerPort] } = place
  const protocol = security === undefined ? 'PLAINTEXT' : 'SASL_SSL'
  const properties = {
    ...LONE_BROKER,
    ...(controllerPorts.length > 1 && ONE_OF_THREE),
    'node.id': String(nodeId),
    'controller.quorum.voters': controllerPorts.map((port, i) => `${i + 1}@127.0.0.1:${port}`).join(','),
    listeners: `${protocol}://127.0.0.1:${brokerPort},CONTROLLER://127.0.0.1:${controllerPort}`,
    // By its name where certificates count: so clients check both, the address and the name.
    'advertised.listeners': `${protocol}://${security === undefined ? '127.0.0.1' : 'localhost'}:${brokerPort}`,
    'listener.security.protocol.map': `${protocol}:${protocol},CONTROLLER:${security === undefined ? 'PLAINTEXT' : 'SASL_PLAINTEXT'}`,
    'inter.broker.listener.name': protocol,
    'log.dirs': dataFolder,
    ...(security !== undefined && secured(security)),
  }
  return Object.entries(properties)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('')
}

const SCRAM_MECHANISMS = ['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const

const secured = (security: BrokerSecurity): Record<string, string> => {
  const { superUser, passwords, keystoreFile, truststoreFile, maxReauthMs } = security
  const login = 'org.apache.kafka.common.security'
  const known = Object.entries(passwords).map(([user, password]) => `user_${user}="${password}"`)
  const plain = `${login}.plain.PlainLoginModule required username="${superUser}" password="${passwords[superUser]}" ${known.join(' ')};`
  return {
    'sasl.enabled.mechanisms': ['PLAIN', ...SCRAM_MECHANISMS].join(','),
    'sasl.mechanism.inter.broker.protocol': 'PLAIN',
    'sasl.mechanism.controller.protocol': 'PLAIN',
    'listener.name.controller.sasl.enabled.mechanisms': 'PLAIN',
    'listener.name.controller.plain.sasl.jaas.config': plain,
    'listener.name.sasl_ssl.plain.sasl.jaas.config': plain,
    ...Object.fromEntries(
      SCRAM_MECHANISMS.map((mechanism) => [
        `listener.name.sasl_ssl.${mechanism.toLowerCase()}.sasl.jaas.config`,
        `${login}.scram.ScramLoginModule required;`,
      ]),
    ),
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': keystoreFile,
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': truststoreFile,
    // Who shows a certificate has to show a good one. Beside SASL it counts only for a listener by its name.
    'listener.name.sasl_ssl.ssl.client.auth': 'requested',
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': `User:${superUser}`,
    'allow.everyone.if.no.acl.found': 'false',
    ...(maxReauthMs !== undefined && { 'listener.name.sasl_ssl.connections.max.reauth.ms': String(maxReauthMs) }),
  }
}

/** What the storage is formatted with, so that all users are known by SCRAM from the start. */
export const scramOf = ({ passwords }: BrokerSecurity): string[] =>
  Object.entries(passwords).flatMap(([user, password]) =>
    SCRAM_MECHANISMS.flatMap((mechanism) => ['--add-scram', `${mechanism}=[name=${user},password=${password}]`]),
  )

/** Kafka's image takes each setting as a variable: `node.id` is KAFKA_NODE_ID. */
export const renderContainerEnv = (properties: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(properties).map(([key, value]) => [`KAFKA_${key.toUpperCase().replaceAll('.', '_')}`, value]),
  )
