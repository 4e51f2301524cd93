import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AclEntry } from '@sync/cli/topics-acls'
import type { KafkaUser } from '@sync/shared/kafka/acls'
import { createKafka } from '@sync/shared/kafka/connect'
import { SERVICES, type ServiceName } from '@sync/shared/kafka/topics'
import { type Authority, issue } from '@sync/shared/testing/certificates'
import { createTopics } from './create-topics.ts'
import { eventually } from './eventually.ts'
import { type Mechanism, type SecuredStack, startSecuredStack } from './secured-stack.ts'
import type { ServiceProcess } from './service-process.ts'
import { newTopicPrefix } from './stack.ts'
import { type Syncctl, syncctlFor } from './syncctl.ts'
import { startWorld, TENANT, type World } from './world.ts'

/** The four services and syncctl, each as a user of its own that has the ACLs which syncctl prints, on a secured stack. */
export interface SecuredWorld extends World {
  readonly secured: SecuredStack
  readonly syncctl: Syncctl
  /** Omnium's own, which the tenant names. */
  readonly eventsTopic: string
  /** How the user's process connects. */
  envOf(user: KafkaUser): NodeJS.ProcessEnv
  /** Permissions that the user has, by names without the prefix. */
  aclsOn(user: KafkaUser, operation: AclEntry['operation'], ...names: readonly string[]): AclEntry[]
  /** Variables for a certificate that this authority has given to a client. */
  clientCertificate(of: Authority, name: string): Promise<NodeJS.ProcessEnv>
}

/** Each of them is somebody's. */
const MECHANISMS: Record<KafkaUser, Mechanism> = {
  'flow-ingest': 'scram-sha-512',
  'omnium-ingest': 'scram-sha-256',
  'customer-mapper': 'scram-sha-512',
  'relation-manager': 'plain',
  syncctl: 'scram-sha-512',
}

/** `maxReauthMs`: as in a broker's `connections.max.reauth.ms`. */
export async function startSecuredWorld(maxReauthMs?: number): Promise<SecuredWorld> {
  const secured = await startSecuredStack(maxReauthMs)
  try {
    return await startOn(secured)
  } catch (error) {
    await secured.stop()
    throw error
  }
}

async function startOn(secured: SecuredStack): Promise<SecuredWorld> {
  const prefix = newTopicPrefix('secured')
  const eventsTopic = `acme.events-${randomUUID().slice(0, 8)}`
  const envOf = (user: KafkaUser) => secured.envOf(user, MECHANISMS[user])
  const syncctl = await syncctlFor({ ...envOf('syncctl'), TOPIC_PREFIX: prefix })
  const acls = await syncctl.json<AclEntry>('topics', 'acls', '--json', '--events-topic', eventsTopic)
  await secured.allow(acls.filter(({ user }) => user !== 'relation-manager'))
  // These as an administrator does it, by what is printed for a shell.
  await secured.runAclCommands((await syncctl('topics', 'acls', '--service', 'relation-manager')).out)
  const admin = createKafka(secured.superUser, { clientId: 'omnium' }).admin()
  await admin.connect()
  await createTopics(admin, [{ topic: eventsTopic, numPartitions: 1, replicationFactor: 1 }])
  await admin.disconnect()
  const applied = await syncctl('topics', 'apply', '--partitions', '3')
  if (applied.code !== 0) throw new Error(`syncctl topics apply ended with ${applied.code}: ${applied.err}`)

  const world = await startWorld({
    ...{ file: 'secured', prefix, services: [] },
    stack: { brokers: secured.brokers, registryUrl: secured.plainRegistryUrl },
    connection: secured.superUser,
    env: { SWEEP_INTERVAL_MS: '2000', KAFKA_SESSION_TIMEOUT_MS: '6000', RETRY_MAX_ATTEMPTS: '1' },
    omniumFields: () => ({ eventsTopic }),
  })
  const clientCertificate = async (of: Authority, name: string) => {
    const { cert, key } = issue(of, { name })
    const [certFile, keyFile] = [join(secured.folder, `${name}.pem`), join(secured.folder, `${name}-key.pem`)]
    await Promise.all([writeFile(certFile, cert), writeFile(keyFile, key)])
    return { KAFKA_SSL_CERT_FILE: certFile, KAFKA_SSL_KEY_FILE: keyFile }
  }
  const more: Partial<Record<ServiceName, NodeJS.ProcessEnv>> = {
    'customer-mapper': await clientCertificate(secured.authority, 'customer-mapper'),
    // What Node trusts by itself is enough.
    'relation-manager': { KAFKA_SSL_CA_FILE: '' },
  }
  const start: World['start'] = (name, env = {}) => world.start(name, { ...envOf(name), ...more[name], ...env })
  const stop = async () => {
    await world.stop()
    await secured.stop()
  }
  try {
    const started = await Promise.all(SERVICES.map((name) => start(name)))
    await Promise.all(started.map((service) => service.untilReady()))
  } catch (error) {
    await world.stop()
    throw error
  }
  return {
    ...world,
    ...{ secured, syncctl, eventsTopic, envOf, clientCertificate, start, stop },
    aclsOn: (user, operation, ...names) =>
      acls.filter(
        (acl) => acl.user === user && acl.operation === operation && names.includes(acl.name.slice(prefix.length)),
      ),
  }
}

export const person = (customerUid: string) => ({
  ...{ customerUid, customerType: 'PERSON', firstname: 'Kari', lastname: 'Eksempel' },
})
export const company = (customerUid: string, parent?: string) => ({
  ...{ customerUid, customerType: 'COMPANY', companyName: customerUid },
  ...(parent !== undefined && { parentCustomer: { customerUid: parent } }),
})

export const hasRelation = (world: World, id: string, relation: string): boolean => {
  const relations = world.omnium.customer(TENANT, 'B2B', id)?.customerRelations ?? []
  return (relations as { customerId: string; relationType: string }[]).some(
    ({ customerId, relationType }) => `${relationType} ${customerId}` === relation,
  )
}

/** What `/ready` says; null while nobody answers. */
export async function readinessOf({ adminUrl }: ServiceProcess) {
  const answer = await fetch(`${adminUrl}/ready`).catch(() => null)
  if (answer === null) return null
  const { waitingFor, problems } = (await answer.json()) as { waitingFor: string[]; problems: Record<string, string> }
  return { status: answer.status, waitingFor, problems }
}

/** Until `/ready` names this as why the service waits for `what`. */
export const untilProblem = (service: ServiceProcess, what: string, text: string) =>
  eventually(`${service.name} telling of ${text}`, async () => {
    const problem = (await readinessOf(service))?.problems[what]
    return problem?.includes(text) ?? false
  })
