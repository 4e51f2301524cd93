import type { ContractTopic, ServiceName } from '@sync/shared/kafka/topics'
import type { Cluster } from './cluster.ts'
import { confirm } from './confirm.ts'
import { EXIT, type ExitCode } from './exit.ts'
import { membersOf } from './group-members.ts'
import { commitOffsets, committedOf } from './group-offsets.ts'
import type { Position } from './selectors.ts'
import { counted, jsonList, type Terminal } from './terminal.ts'

interface ResetOptions {
  readonly service: ServiceName
  readonly topics: readonly ContractTopic[]
  readonly from: Position
  readonly tenant?: string
  readonly to?: string
  readonly yes?: boolean
  readonly json?: boolean
}

/** Rewinds the committed offsets of a service's own group: its next start handles everything from there on in its place. */
export async function resetGroup(cluster: Cluster, options: ResetOptions, terminal: Terminal): Promise<ExitCode> {
  const { service, topics, from } = options
  if (options.tenant !== undefined || options.to !== undefined) {
    terminal.err('--reset-group rewinds whole topics: it takes no --tenant, --customer or --to.\n')
    return EXIT.usage
  }
  const members = await membersOf(cluster, service)
  if (members.length > 0) {
    const list = members.map(({ clientId, clientHost }) => `  ${clientId} at ${clientHost.replace(/^\//, '')}`)
    terminal.err(`Refused: ${service} has ${counted(members.length, 'member')}; stop them first.\n${list.join('\n')}\n`)
    return EXIT.error
  }
  const committed = await committedOf(cluster, service, topics)
  // Only ever back: what lies between the committed offset and a later one would never be handled.
  const ranges = (await cluster.ranges(topics, { from })).filter(
    (range) => range.from < (committed.get(range.topic)?.get(range.partition) ?? 0),
  )
  const records = ranges.reduce((sum, range) => sum + range.to - range.from, 0)
  if (ranges.length === 0) {
    terminal.err('Nothing to rewind: the group has handled nothing from there on.\n')
    return EXIT.error
  }
  const what = `${service} will begin again at ${counted(records, 'record')} of ${topics.join(', ')} once it starts.`
  if (!(await confirm(terminal, what, options.yes))) return EXIT.ok
  await commitOffsets(cluster, service, topics, ranges)
  if (options.json) {
    terminal.out(jsonList(ranges.map(({ topic, partition, from: offset }) => ({ topic, partition, offset }))))
    return EXIT.ok
  }
  terminal.out(`${service} begins again at ${counted(ranges.length, 'partition')}.\n`)
  return EXIT.ok
}
