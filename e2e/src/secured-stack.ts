import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import type { AclEntry } from '@sync/cli/topics-acls'
import type { Stack } from '@sync/sandbox/stack'
import { KAFKA_USERS, type KafkaUser } from '@sync/shared/kafka/acls'
import { createKafka, type KafkaConnection } from '@sync/shared/kafka/connect'
import { type Authority, createAuthority, issue } from '@sync/shared/testing/certificates'
import kafkajs, { type Admin } from 'kafkajs'
import { startOwnStack } from './stack.ts'
import { startTlsInFront } from './tls-in-front.ts'

export const SUPER_USER = 'admin'

/** A broker that takes nobody without TLS, a password and ACLs, and a registry behind TLS; one authority for both. */
export interface SecuredStack {
  readonly brokers: string[]
  readonly registryUrl: string
  /** Without TLS, for the test itself. */
  readonly plainRegistryUrl: string
  readonly authority: Authority
  /** For files of the test. */
  readonly folder: string
  /** PEM. */
  readonly caFile: string
  readonly superUser: KafkaConnection
  /** What a process of this user has in its environment. */
  envOf(user: string, mechanism: Mechanism): NodeJS.ProcessEnv
  allow(entries: readonly AclEntry[]): Promise<void>
  forbid(entries: readonly AclEntry[]): Promise<void>
  /** What the ACLs did not allow since the last call: `flow-ingest WRITE Topic:flow.orders.v1 (Produce)`, each once. */
  denials(): Promise<string[]>
  /** Runs commands for kafka-acls.sh, as a shell understands them, as the super user. */
  runAclCommands(commands: string): Promise<void>
  /** Of a SCRAM user; its own again unless told otherwise. */
  changePassword(user: KafkaUser, password?: string): Promise<void>
  readonly kafka: NonNullable<Stack['kafka']>
  stop(): Promise<void>
}

export type Mechanism = 'plain' | 'scram-sha-256' | 'scram-sha-512'

const DENIED =
  /Principal = User:(\S+) is Denied operation = (\w+) from host = \S+ on resource = (\w+):\w+:(\S+) for request = (\w+)/

export async function startSecuredStack(maxReauthMs?: number): Promise<SecuredStack> {
  const authority = createAuthority('A private CA')
  const certificate = issue(authority, { name: 'kafka', hosts: ['localhost', '127.0.0.1'] })
  const passwords = Object.fromEntries(
    [SUPER_USER, ...KAFKA_USERS].map((user) => [user, randomBytes(12).toString('hex')]),
  )
  const folder = await mkdtemp(join(tmpdir(), 'sync-secured-'))
  const caFile = join(folder, 'ca.pem')
  await writeFile(caFile, authority.cert)
  const stack = await startOwnStack({
    security: {
      ...{ certificate, authority: authority.cert, superUser: SUPER_USER, passwords },
      ...(maxReauthMs !== undefined && { maxReauthMs }),
    },
  })
  const registry = new URL(stack.registryUrl)
  const front = await startTlsInFront(certificate, { host: registry.hostname, port: Number(registry.port) })
  const superUser: KafkaConnection = {
    kafkaBrokers: stack.brokers,
    kafkaSsl: true,
    kafkaSslCaFile: caFile,
    kafkaSslCertFile: undefined,
    kafkaSslKeyFile: undefined,
    kafkaSaslMechanism: 'plain',
    kafkaSaslUsername: SUPER_USER,
    kafkaSaslPassword: passwords[SUPER_USER],
  }
  const asAdmin = async <V>(work: (admin: Admin) => Promise<V>): Promise<V> => {
    const admin = createKafka(superUser, { clientId: 'security' }).admin()
    await admin.connect()
    return work(admin).finally(() => admin.disconnect())
  }
  const { logFile, run } = stack.local!.kafka
  const properties = join(folder, PROPERTIES)
  await writeFile(properties, clientProperties(passwords[SUPER_USER]!, caFile))
  const runScripts = async (commands: string, env: NodeJS.ProcessEnv = {}) => {
    const programs = await programsOf(commands, folder, { ...env, KAFKA_BROKERS: stack.brokers.join() })
    const ended = await Promise.all(
      programs.map(([program, ...args]) => run(program!, ...args.map((it) => (it === PROPERTIES ? properties : it)))),
    )
    const failed = ended.find(({ code }) => code !== 0)
    if (failed !== undefined) throw new Error(`running Kafka's scripts: exit code ${failed.code}\n${failed.output}`)
  }
  let read = 0

  return {
    brokers: stack.brokers,
    registryUrl: `https://localhost:${front.port}${registry.pathname}`,
    plainRegistryUrl: stack.registryUrl,
    authority,
    folder,
    caFile,
    superUser,
    envOf: (user, mechanism) => ({
      KAFKA_BROKERS: stack.brokers.join(),
      KAFKA_SSL: 'true',
      KAFKA_SSL_CA_FILE: caFile,
      KAFKA_SASL_MECHANISM: mechanism,
      KAFKA_SASL_USERNAME: user,
      KAFKA_SASL_PASSWORD: passwords[user],
      SCHEMA_REGISTRY_URL: `https://localhost:${front.port}${registry.pathname}`,
      NODE_EXTRA_CA_CERTS: caFile,
    }),
    allow: (entries) => asAdmin(async (admin) => void (await admin.createAcls({ acl: entries.map(aclOf) }))),
    forbid: (entries) => asAdmin(async (admin) => void (await admin.deleteAcls({ filters: entries.map(aclOf) }))),
    async denials() {
      const text = await readFile(logFile, 'utf8')
      const lines = text.slice(read).split('\n')
      read = text.length
      const found = lines.flatMap((line) => {
        const [, user, operation, resource, name, request] = DENIED.exec(line) ?? []
        return user === undefined ? [] : [`${user} ${operation} ${resource}:${name} (${request})`]
      })
      return [...new Set(found)].toSorted()
    },
    runAclCommands: (commands) => runScripts(commands),
    async changePassword(user, password = passwords[user]!) {
      await runScripts(await passwordCommand(user), { PASSWORD: password })
    },
    kafka: stack.kafka!,
    async stop() {
      await front.close()
      await stack.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** As docs/security.md has it. */
const PROPERTIES = 'admin.properties'
const clientProperties = (password: string, caFile: string) => `security.protocol=SASL_SSL
sasl.mechanism=SCRAM-SHA-512
sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username="${SUPER_USER}" password="${password}";
ssl.truststore.type=PEM
ssl.truststore.location=${caFile}
`

/** Kafka's scripts, by the programs that they start. */
const PROGRAMS: Readonly<Record<string, string>> = {
  'kafka-acls.sh': 'org.apache.kafka.tools.AclCommand',
  'kafka-configs.sh': 'kafka.admin.ConfigCommand',
}

/** What a shell makes of commands that call Kafka's scripts: each program with its arguments. */
async function programsOf(commands: string, folder: string, env: NodeJS.ProcessEnv): Promise<string[][]> {
  const end = '(end)'
  for (const [script, program] of Object.entries(PROGRAMS)) {
    await writeFile(join(folder, script), `#!/bin/sh\nprintf '%s\\n' ${program} "$@" '${end}'\n`, { mode: 0o755 })
  }
  const { stdout } = await promisify(execFile)('sh', ['-e', '-c', commands], {
    cwd: folder,
    env: { PATH: `${folder}${delimiter}${process.env.PATH ?? ''}`, ...env },
  })
  return stdout
    .split(`${end}\n`)
    .slice(0, -1)
    .map((lines) => lines.trimEnd().split('\n'))
}

/** The command of docs/security.md that changes a password. */
async function passwordCommand(user: string): Promise<string> {
  const document = await readFile(resolve(import.meta.dirname, '../../docs/security.md'), 'utf8')
  const [command] = /^kafka-configs\.sh[^`]*/m.exec(document) ?? []
  return command!.replace('flow-ingest', user)
}

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs

function aclOf({ principal, resource, pattern, name, operation }: AclEntry) {
  return {
    principal,
    host: '*',
    resourceType: resource === 'topic' ? AclResourceTypes.TOPIC : AclResourceTypes.GROUP,
    resourceName: name,
    resourcePatternType: pattern === 'literal' ? ResourcePatternTypes.LITERAL : ResourcePatternTypes.PREFIXED,
    operation: AclOperationTypes[operation],
    permissionType: AclPermissionTypes.ALLOW,
  }
}
