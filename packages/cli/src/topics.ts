import { TOPICS_COMMAND } from '@sync/shared/contracts/registry'
import { type AppliedTopics, applyTopics, type CheckedTopics, checkTopics } from '@sync/shared/kafka/apply-topics'
import { count, type TopicProblem } from '@sync/shared/kafka/topic-plan'
import { TOPICS } from '@sync/shared/kafka/topics'
import { type Command, InvalidArgumentError } from 'commander'
import { withCluster } from './cluster.ts'
import { EXIT, type ExitCode } from './exit.ts'
import { resetStaleOffsets, type StaleOffsets } from './stale-offsets.ts'
import { painter, type Terminal, table } from './terminal.ts'
import { addTopicsAcls } from './topics-acls.ts'

interface Options {
  readonly partitions?: number
  readonly json?: boolean
}

const PARTITIONS = 'partitions of every topic (default: as the existing topics have, else 12)'
const JSON_OUTPUT = 'print JSON'

/** `syncctl topics apply | check | list | acls`. */
export function addTopics(program: Command, terminal: Terminal, end: (code: ExitCode) => void): void {
  const topics = program.command('topics').description('create and verify the topics and their contracts')
  topics
    .command('apply')
    .description('create the topics that are missing and register the contracts; never alters a topic')
    .option('-p, --partitions <n>', PARTITIONS, parsePartitions)
    .option('-y, --yes', 'as for every command that changes something; this command never asks')
    .option('--json', JSON_OUTPUT)
    .addHelpText(
      'after',
      `
Exit code: 0 all as it should be, 2 differences that were left alone.
Examples:
  syncctl topics apply                  create what is missing, with 12 partitions
  syncctl topics apply --partitions 48  for many processes; the number can't be changed later
  syncctl topics apply --json | jq .created`,
    )
    .action(async (options: Options) => {
      const { applied, offsets } = await withCluster(terminal, async (cluster) => {
        const { admin, contracts, prefix } = cluster
        const applied = await applyTopics(admin, contracts, { prefix, partitions: options.partitions })
        return { applied, offsets: await resetStaleOffsets(cluster, applied.created) }
      })
      terminal.out(options.json ? json({ ...applied, offsets }) : describeApplied(applied, offsets, terminal))
      end(applied.problems.length > 0 ? EXIT.differences : EXIT.ok)
    })
  topics
    .command('check')
    .description('compare the topics and contracts with what this program needs; changes nothing')
    .option('-p, --partitions <n>', PARTITIONS, parsePartitions)
    .option('--json', JSON_OUTPUT)
    .addHelpText(
      'after',
      `
Exit code: 0 all as it should be, 2 differences.
Examples:
  syncctl topics check                  in a deployment, before the services start
  syncctl topics check --json | jq -r .[].message`,
    )
    .action(async (options: Options) => {
      const checked = await withCluster(terminal, ({ admin, contracts, prefix }) =>
        checkTopics(admin, contracts, { prefix, partitions: options.partitions }),
      )
      terminal.out(options.json ? json([...checked.topics, ...checked.contracts]) : describeChecked(checked, terminal))
      end(checked.topics.length + checked.contracts.length > 0 ? EXIT.differences : EXIT.ok)
    })
  topics
    .command('list')
    .description('show the topic table: keys, writers, readers, clean-up; needs no broker')
    .option('--json', JSON_OUTPUT)
    .addHelpText('after', '\nExamples:\n  syncctl topics list\n  syncctl topics list --json | jq -r .[].name')
    .action((options: Options) => {
      terminal.out(options.json ? json(listed(terminal)) : describeList(terminal))
    })
  addTopicsAcls(topics, terminal)
}

function parsePartitions(text: string): number {
  const count = Number(text)
  if (!/^\d+$/.test(text) || count < 1 || count > 10_000) throw new InvalidArgumentError('must be from 1 to 10000.')
  return count
}

const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`

function describeApplied(applied: AppliedTopics, offsets: readonly StaleOffsets[], terminal: Terminal): string {
  const paint = painter(terminal)
  const lines = applied.created.map((topic) => `${paint('green', 'created')}     ${topic}`)
  for (const { service, topic, partitions, isReset } of offsets) {
    const what = `the offsets of ${service} for ${count(partitions.length, 'partition')} of ${topic}`
    if (isReset) lines.push(`${paint('green', 'reset')}       ${what}, which were of an earlier topic`)
    else
      lines.push(
        `${paint('yellow', 'left')}        ${what}: the service runs, and begins the new topic at its start by itself`,
      )
  }
  for (const { subject, id, added, levelBefore } of applied.contracts) {
    if (added) lines.push(`${paint('green', 'registered')}  ${subject} (id ${id})`)
    if (levelBefore !== undefined) lines.push(`${paint('green', 'set')}         ${subject} to BACKWARD`)
  }
  for (const { topic, message } of applied.problems) lines.push(`${paint('yellow', 'differs')}     ${topic} ${message}`)
  lines.push(...adviceOn(applied.problems))
  const { created, existing, contracts, partitions, replicas } = applied
  const topics = count(created.length + existing.length, 'topic')
  const each = `${count(partitions, 'partition')} and ${count(replicas, 'replica')} each`
  if (applied.refused) lines.push(paint('red', 'Refused: nothing was created or registered.'))
  else if (applied.problems.length > 0) lines.push('Done but for the differences above, which are left as they are.')
  else lines.push(paint('bold', `In place: ${topics} with ${each}, ${count(contracts.length, 'contract')}.`))
  return `${lines.join('\n')}\n`
}

function describeChecked({ topics, contracts, partitions }: CheckedTopics, terminal: Terminal): string {
  const paint = painter(terminal)
  const found = [
    ...topics.map(({ kind, topic, message }) => [kind, topic, message] as const),
    ...contracts.map(({ kind, subject, message }) => [kind, subject, message] as const),
  ]
  const lines = found.map(([kind, name, message]) => `${paint('yellow', kind.padEnd(13))}  ${name} ${message}`)
  lines.push(...adviceOn(topics))
  const appliable = topics.some(({ kind }) => kind === 'missing') || contracts.length > 0
  if (appliable) lines.push(`Run: ${paint('bold', TOPICS_COMMAND)}`)
  if (lines.length === 0) {
    const each = `${count(partitions, 'partition')} each`
    lines.push(paint('bold', `In place: ${count(TOPICS.length, 'topic')} with ${each}, and their contracts.`))
  }
  return `${lines.join('\n')}\n`
}

/** Each piece of advice once: it is often the same for all topics. */
const adviceOn = (problems: readonly TopicProblem[]) => new Set(problems.flatMap(({ advice }) => advice ?? []))

const listed = ({ env }: Terminal) => TOPICS.map((spec) => ({ ...spec, name: `${env.TOPIC_PREFIX ?? ''}${spec.name}` }))

function describeList(terminal: Terminal): string {
  const paint = painter(terminal)
  const rows = listed(terminal).map(({ name, key, writers, readers, config }) => [
    name,
    config['cleanup.policy'] ?? '',
    `${writers.join(', ')} → ${readers.join(', ') || '(people and other systems)'}`,
    `key: ${key}`,
  ])
  const [head, ...rest] = table([['TOPIC', 'CLEAN-UP', 'WRITERS → READERS', 'KEY'], ...rows]).split('\n')
  return `${[paint('bold', head ?? ''), ...rest].join('\n')}\n`
}
