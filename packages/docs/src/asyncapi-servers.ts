import type { Json } from './yaml.ts'

/** The version of the Kafka bindings that all parts of the document keep to. */
export const BINDING_VERSION = '0.5.0'

const broker = {
  host: '{broker}',
  variables: { broker: { $ref: '#/components/serverVariables/broker' } },
  bindings: { $ref: '#/components/serverBindings/registry' },
}

export const serverVariables = {
  broker: {
    description: 'host:port of one of `KAFKA_BROKERS`.',
    default: 'localhost:9092',
    examples: ['localhost:9092', 'broker-1.example:9093'],
  },
}

/** The registry of docker-compose.yml, as an example. */
export const serverBindings = {
  registry: {
    kafka: {
      schemaRegistryUrl: 'http://localhost:8080/apis/ccompat/v7',
      schemaRegistryVendor: 'confluent',
      bindingVersion: BINDING_VERSION,
    },
  },
}

/** By what the services' environment says of the connection. */
export const servers: Json = {
  plaintext: {
    ...broker,
    protocol: 'kafka',
    title: 'Without TLS',
    description: 'For a network that is private by itself, such as one machine: `KAFKA_SSL` is not set.',
  },
  tls: {
    ...broker,
    protocol: 'kafka-secure',
    title: 'TLS',
    description: '`KAFKA_SSL=true`: encrypted, clients are not told apart.',
  },
  sasl: {
    ...broker,
    protocol: 'kafka-secure',
    title: 'SASL over TLS',
    description:
      '`KAFKA_SSL=true` with `KAFKA_SASL_MECHANISM`, `KAFKA_SASL_USERNAME` and `KAFKA_SASL_PASSWORD`. (Without ' +
      '`KAFKA_SSL` it works too, and shows what it sends to whoever listens.)',
    security: ['scramSha512', 'scramSha256', 'plain'].map((name) => ({ $ref: `#/components/securitySchemes/${name}` })),
  },
}

export const securitySchemes: Json = {
  scramSha512: { type: 'scramSha512', description: '`KAFKA_SASL_MECHANISM=scram-sha-512`' },
  scramSha256: { type: 'scramSha256', description: '`KAFKA_SASL_MECHANISM=scram-sha-256`' },
  plain: { type: 'plain', description: '`KAFKA_SASL_MECHANISM=plain`: the broker sees the password.' },
}
