import { SyncError } from '@sync/shared/errors'
import { withoutHeaders } from '@sync/shared/kafka/headers'
import type { RawMessage, SourceRecord } from '@sync/shared/kafka/ports'
import { deadLetterTopicOf, isContractTopic, type ServiceName } from '@sync/shared/kafka/topics'
import type { Command } from 'commander'
import { type Cluster, withCluster } from './cluster.ts'
import { confirm } from './confirm.ts'
import { type Letter, type LetterSelection, markerOf, readLetters, withRecords } from './dead-letter-records.ts'
import { EXIT, type ExitCode } from './exit.ts'
import { warnWithoutMembers } from './group-members.ts'
import { toLane } from './lane-records.ts'
import { createProgress } from './progress.ts'
import { refuse } from './refuse.ts'
import { parseCount, select } from './selectors.ts'
import { counted, duration, jsonList, painter, type Terminal, titled } from './terminal.ts'

interface Options extends LetterSelection {
  readonly json?: boolean
  readonly all?: boolean
  readonly yes?: boolean
  readonly force?: boolean
  readonly maxRedrives?: number
}

const MAX_REDRIVES = 3

const EXAMPLES = {
  list: `
Examples:
  syncctl dead-letters list --service customer-mapper --since 2h
  syncctl dead-letters list --tenant acme-no --reason refused --json | jq -r .[].customer`,
  show: `
It shows the record as it came, personal data included.
Examples:
  syncctl dead-letters show flow.customers.v1/3/1207
  syncctl dead-letters show --tenant acme-no --customer 1000`,
  redrive: `
Redriving moves the original record to its service's retry lane, where it is a reason to look at the source again: an old
record changes nothing that is newer. What was redriven already is left out, so an interrupted command can be repeated.
Exit code: 0 all that was selected, 2 some were held back (--force).
Examples:
  syncctl dead-letters redrive --reason refused --since 1d
  syncctl dead-letters redrive --tenant acme-no --customer 1000 --yes`,
  discard: `
A discarded letter stays on its topic, and is only marked as dealt with.
Examples:
  syncctl dead-letters discard --reason parent-cycle --until 30d`,
}

/** `syncctl dead-letters list | show | redrive | discard`. */
export function addDeadLetters(program: Command, terminal: Terminal, end: (code: ExitCode) => void): void {
  const letters = program
    .command('dead-letters')
    .description('see what was set aside, and send it back once its cause is gone')
  const selecting = (command: Command) =>
    command
      .addOption(select.service())
      .addOption(select.tenant())
      .addOption(select.customer())
      .addOption(select.reason())
      .addOption(select.since())
      .addOption(select.until())

  selecting(letters.command('list'))
    .description('list dead letters, oldest first')
    .option('--all', 'also those that were redriven or discarded since')
    .addOption(select.json())
    .addHelpText('after', EXAMPLES.list)
    .action(async (options: Options) => {
      const found = await withCluster(terminal, (cluster) => selected(cluster, options, terminal))
      const listed = found.filter(({ state }) => options.all || state === 'parked')
      if (options.json) terminal.out(jsonList(listed.map(({ at: _at, ...letter }) => letter)))
      else terminal.out(describeList(listed, terminal))
      end(EXIT.ok)
    })

  selecting(letters.command('show').argument('[id...]', 'topic/partition/offset, as the list shows it'))
    .description('show records that were set aside, with headers and content')
    .option('--all', 'also those that were redriven or discarded since')
    .addOption(select.json())
    .addHelpText('after', EXAMPLES.show)
    .action(async (ids: string[], options: Options) => {
      await withCluster(terminal, async (cluster) => {
        const found = await selected(cluster, options, terminal)
        const wanted = found.filter(({ id, state }) =>
          ids.length === 0 ? options.all || state === 'parked' : ids.includes(id),
        )
        const shown: object[] = []
        await withRecords(cluster, wanted, async (chunk) => {
          for (const { letter, record } of chunk) shown.push(await contentOf(cluster, letter, record))
        })
        terminal.out(options.json ? jsonList(shown) : shown.map((it) => `${JSON.stringify(it, null, 2)}\n`).join(''))
        if (shown.length === 0) terminal.err('No such dead letter.\n')
        end(ids.length > 0 && shown.length < ids.length ? EXIT.usage : EXIT.ok)
      })
    })

  selecting(letters.command('redrive').argument('[id...]', 'topic/partition/offset, as the list shows it'))
    .description('send records back to their service, once')
    .option('--max-redrives <n>', `what came back this often already needs --force`, parseCount, MAX_REDRIVES)
    .option('--force', 'also what has been redriven that often')
    .addOption(select.yes())
    .addHelpText('after', EXAMPLES.redrive)
    .action(async (ids: string[], options: Options) => end(await redrive(ids, options, terminal)))

  selecting(letters.command('discard').argument('[id...]', 'topic/partition/offset, as the list shows it'))
    .description('mark dead letters as dealt with')
    .addOption(select.yes())
    .addHelpText('after', EXAMPLES.discard)
    .action(async (ids: string[], options: Options) => end(await discard(ids, options, terminal)))
}

const lettersOf = ({ prefix }: Cluster, { service }: Letter) => prefix + deadLetterTopicOf(service)

/** A tenant that is no more may have dead letters all the same. */
function selected(cluster: Cluster, options: Options, terminal: Terminal): Promise<Letter[]> {
  const { tenant } = options
  if (tenant !== undefined && cluster.tenants()?.get(tenant) === undefined && cluster.tenants() !== null) {
    terminal.err(`Tenant ${tenant} is not in TENANTS_FILE.\n`)
  }
  return readLetters(cluster, options)
}

async function open(cluster: Cluster, ids: readonly string[], options: Options, terminal: Terminal): Promise<Letter[]> {
  const found = await selected(cluster, options, terminal)
  const unknown = ids.filter((id) => !found.some((letter) => letter.id === id))
  if (unknown.length > 0) {
    refuse(`no such dead letter: ${unknown.join(', ')}`)
  }
  for (const { id, state } of found) {
    if (ids.includes(id) && state !== 'parked') terminal.err(`${id} is ${state} already.\n`)
  }
  return found.filter(({ id, state }) => state === 'parked' && (ids.length === 0 || ids.includes(id)))
}

async function redrive(ids: readonly string[], options: Options, terminal: Terminal): Promise<ExitCode> {
  return withCluster(terminal, async (cluster) => {
    const limit = options.maxRedrives ?? MAX_REDRIVES
    const parked = await open(cluster, ids, options, terminal)
    const chosen = parked.filter(({ redrives }) => options.force || redrives < limit)
    const heldBack = parked.length - chosen.length
    if (heldBack > 0) {
      terminal.err(`Left alone without --force: ${counted(heldBack, 'record')} redriven ${limit} times or more.\n`)
    }
    const left = heldBack > 0 ? EXIT.differences : EXIT.ok
    if (chosen.length === 0) {
      terminal.err('Nothing to redrive.\n')
      return left
    }
    const services = [...new Set(chosen.map(({ service }) => service))]
    const what = `${counted(chosen.length, 'record')} will be handled again by ${services.join(', ')}.`
    if (!(await confirm(terminal, what, options.yes))) return EXIT.ok
    for (const service of services) await warnWithoutMembers(cluster, service, terminal)
    const progress = createProgress(terminal, 'redriving')
    let sent = 0
    try {
      await withRecords(cluster, chosen, async (chunk) => {
        cluster.signal.throwIfAborted()
        await cluster.send(chunk.map(({ letter, record }) => redriven(cluster, letter, record)))
        await cluster.send(chunk.map(({ letter, record }) => markerOf(lettersOf(cluster, letter), record, 'redriven')))
        sent += chunk.length
        progress.update(sent, chosen.length)
      })
    } finally {
      progress.stop()
    }
    terminal.out(`${counted(sent, 'record')} redriven.\n`)
    return left
  })
}

/** The original bytes, headers and origin, and one redrive more. */
function redriven(cluster: Cluster, letter: Letter, { key, value, headers }: SourceRecord): RawMessage {
  const original = { key, value, headers: withoutHeaders(headers, (name) => name.startsWith('dl-')) }
  const origin = { topic: cluster.prefix + letter.topic, partition: letter.partition, offset: letter.offset }
  const { service, reason, redrives } = letter
  return toLane(cluster, service, original, { why: 'redriven', origin, reason, redrives: redrives + 1 })
}

async function discard(ids: readonly string[], options: Options, terminal: Terminal): Promise<ExitCode> {
  return withCluster(terminal, async (cluster) => {
    const chosen = await open(cluster, ids, options, terminal)
    if (chosen.length === 0) {
      terminal.err('Nothing to discard.\n')
      return EXIT.ok
    }
    const what = `${counted(chosen.length, 'dead letter')} will be marked as dealt with, and not be handled again.`
    if (!(await confirm(terminal, what, options.yes))) return EXIT.ok
    await withRecords(cluster, chosen, (chunk) =>
      cluster.send(chunk.map(({ letter, record }) => markerOf(lettersOf(cluster, letter), record, 'discarded'))),
    )
    terminal.out(`${counted(chosen.length, 'dead letter')} discarded.\n`)
    return EXIT.ok
  })
}

/** The letter with its record's own headers and content: decoded where that can be done, else as base64. */
async function contentOf(cluster: Cluster, { at: _at, ...letter }: Letter, record: SourceRecord): Promise<object> {
  const own = withoutHeaders(record.headers, (name) => name.startsWith('dl-'))
  const headers = Object.fromEntries(Object.entries(own).map(([name, value]) => [name, String(value)]))
  if (record.value === null) return { ...letter, headers, value: null }
  try {
    if (!isContractTopic(letter.topic)) throw new SyncError('contract-violation', 'a topic without a contract')
    return {
      ...letter,
      headers,
      value: await cluster.contracts.codec.decode(letter.topic, record.value),
    }
  } catch (error) {
    if (!(error instanceof SyncError)) throw error
    return { ...letter, headers, problem: error.message, base64: record.value.toString('base64') }
  }
}

function describeList(letters: readonly Letter[], terminal: Terminal): string {
  if (letters.length === 0) return 'No dead letters.\n'
  const now = Date.now()
  const rows = letters.map((letter) => [
    letter.id,
    letter.service,
    letter.tenant ?? '-',
    letter.customer ?? '-',
    letter.state === 'parked' ? letter.reason : `${letter.reason} (${letter.state})`,
    `${duration(now - Date.parse(letter.lastFailureAt))} ago`,
    letter.redrives > 0 ? `${letter.redrives}×` : '',
    letter.message,
  ])
  const head = ['ID', 'SERVICE', 'TENANT', 'CUSTOMER', 'REASON', 'PARKED', 'REDRIVES', 'MESSAGE']
  const byReason = Map.groupBy(
    letters,
    ({ service, reason }: { service: ServiceName; reason: string }) => `${service} ${reason}`,
  )
  const sums = [...byReason].map(([name, own]) => `${name}: ${own.length}`).join(', ')
  return `${titled(terminal, head, rows)}${painter(terminal)('dim', `${counted(letters.length, 'dead letter')} (${sums})`)}\n`
}
