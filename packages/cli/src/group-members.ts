import type { ServiceName } from '@sync/shared/kafka/topics'
import type { Cluster } from './cluster.ts'
import { painter, type Terminal } from './terminal.ts'

/** The members of a service's group, as the broker knows them. */
export async function membersOf({ admin, prefix }: Cluster, service: ServiceName) {
  const { groups } = await admin.describeGroups([prefix + service])
  return groups.flatMap(({ members }) => members)
}

export async function warnWithoutMembers(cluster: Cluster, service: ServiceName, terminal: Terminal): Promise<void> {
  const members = await membersOf(cluster, service)
  if (members.length > 0) return
  terminal.err(`${painter(terminal)('yellow', `${service} isn't running: nothing is handled until it is.`)}\n`)
}
