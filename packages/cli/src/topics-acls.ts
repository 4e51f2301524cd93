import { type Acl, type AclOperation, aclsOf, KAFKA_USERS, type KafkaUser } from '@sync/shared/kafka/acls'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { EXIT } from './exit.ts'
import { refuse } from './refuse.ts'
import { select } from './selectors.ts'
import { jsonList, painter, type Terminal } from './terminal.ts'

interface Options {
  readonly service?: KafkaUser
  readonly principal?: string
  readonly eventsTopic?: readonly string[]
  readonly json?: boolean
}

/** One permission, as most tools take it. */
export interface AclEntry {
  readonly user: KafkaUser
  readonly principal: string
  readonly resource: Acl['resource']
  readonly pattern: Acl['pattern']
  readonly name: string
  readonly operation: AclOperation
}

/** As kafka-acls.sh spells them. */
const OPERATIONS: Record<AclOperation, string> = {
  READ: 'Read',
  WRITE: 'Write',
  CREATE: 'Create',
  DELETE: 'Delete',
  DESCRIBE_CONFIGS: 'DescribeConfigs',
}

/** `syncctl topics acls`. */
export function addTopicsAcls(topics: Command, terminal: Terminal): void {
  topics
    .command('acls')
    .description('print the ACLs that the services and syncctl need, no more; needs no broker')
    .addOption(new Option('--service <name>', 'only for this one').choices([...KAFKA_USERS]))
    .option('--principal <name>', 'with --service: who it is to Kafka (default: User:<service>)', parsePrincipal)
    .option('--events-topic <name>', "a tenant's omnium.eventsTopic; may be repeated", collectTopic)
    .addOption(select.json())
    .addHelpText(
      'after',
      `
Prints commands for kafka-acls.sh, which is in Kafka's bin folder; running one again does no harm. They take the brokers
from KAFKA_BROKERS, and how to connect as an administrator from the file admin.properties. Set TOPIC_PREFIX as the
services have it.
Examples:
  syncctl topics acls
  syncctl topics acls --service flow-ingest --principal 'User:CN=flow-ingest,O=Acme'
  syncctl topics acls --json | jq '.[] | select(.user == "flow-ingest")'`,
    )
    .action((options: Options) => {
      const { service, principal } = options
      if (principal !== undefined && service === undefined)
        refuse('--principal needs --service: each has one of its own')
      const users = service === undefined ? KAFKA_USERS : [service]
      const prefix = terminal.env.TOPIC_PREFIX ?? ''
      if (!/^[\w.-]*$/.test(prefix))
        refuse('TOPIC_PREFIX: may hold letters, digits, dots, dashes and underscores', EXIT.config)
      const found = users.map((user) => ({
        user,
        principal: principal ?? `User:${user}`,
        acls: aclsOf(user, { prefix, eventsTopics: options.eventsTopic ?? [] }),
      }))
      if (options.json) return terminal.out(jsonList(found.flatMap(entriesOf)))
      const paint = painter(terminal)
      const blocks = found.map((of) => [
        paint('bold', `# ${of.user}`),
        ...of.acls.map((acl) => commandFor(acl, of.principal)),
      ])
      terminal.out(`${blocks.map((lines) => lines.join('\n')).join('\n\n')}\n`)
    })
}

const entriesOf = (of: { user: KafkaUser; principal: string; acls: readonly Acl[] }): AclEntry[] =>
  of.acls.flatMap(({ resource, pattern, names, operations }) =>
    names.flatMap((name) =>
      operations.map((operation) => ({ user: of.user, principal: of.principal, resource, pattern, name, operation })),
    ),
  )

function commandFor({ resource, pattern, names, operations }: Acl, principal: string): string {
  const words = [
    'kafka-acls.sh --bootstrap-server "$KAFKA_BROKERS" --command-config admin.properties',
    `--add --allow-principal ${quoted(principal)}`,
    operations.map((operation) => `--operation ${OPERATIONS[operation]}`).join(' '),
    ...(pattern === 'prefixed' ? ['--resource-pattern-type prefixed'] : []),
    ...names.map((name) => `--${resource} ${name}`),
  ]
  return words.join(' \\\n  ')
}

/** For a shell: within single quotes everything stands for itself but a single quote. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

function parsePrincipal(text: string): string {
  if (!/^[A-Za-z]+:\S.*$/.test(text))
    throw new InvalidArgumentError("must be a type and a name, such as 'User:flow-ingest'.")
  return text
}

function collectTopic(text: string, before: readonly string[] | undefined): readonly string[] {
  if (!/^[\w.-]{1,249}$/.test(text)) throw new InvalidArgumentError('must be the name of a topic.')
  return [...(before ?? []), text]
}
