import { setTimeout as delay } from 'node:timers/promises'
import { seededChance } from '@sync/sandbox/disturbance'
import type { Stack } from '@sync/sandbox/stack'
import { moveLeaders } from './move-leaders.ts'
import { patiently } from './patiently.ts'
import type { Fault } from './plan-faults.ts'
import { type Recreation, recreateTopic } from './recreate-topic.ts'
import type { System } from './system.ts'

/** How often each kind struck, and those that could not be ended. */
export interface Struck {
  readonly counts: ReadonlyMap<string, number>
  readonly recreations: readonly Recreation[]
}

/** Begins and ends each fault at its time; resolves when the last is over. */
export async function strikeAll(
  system: System,
  faults: readonly Fault[],
  seed: number,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<Struck> {
  const startedAt = performance.now()
  const counts = new Map<string, number>()
  const recreations: Recreation[] = []
  const under = new Map<string, Promise<void>>()
  const ends: Promise<void>[] = []
  const seconds = () => ((performance.now() - startedAt) / 1000).toFixed(1)

  for (const [i, fault] of faults.entries()) {
    const leftMs = startedAt + fault.atMs - performance.now()
    if (leftMs > 1) await delay(leftMs, undefined, { signal })
    // Two faults of one thing come one after the other.
    const place = placeOf(fault)
    const before = under.get(place) ?? Promise.resolve()
    const strike = before.then(async () => {
      counts.set(nameOf(fault), (counts.get(nameOf(fault)) ?? 0) + 1)
      const lasts = fault.kind === 'clock' && !fault.returns ? 'for the rest of the run' : `for ${fault.forMs} ms`
      log(`${seconds()} s  ${nameOf(fault)} ${place}${detailOf(fault)} ${lasts}`)
      if (fault.kind === 'recreate') recreations.push(await recreateTopic(system, fault.topic))
      else await strikeOne(system, fault, seed + i)
    })
    under.set(place, strike)
    ends.push(strike)
    // The sum below hears of it.
    strike.catch(() => {})
  }
  await Promise.all(ends)
  return { counts, recreations }
}

const OF_KAFKA: readonly Fault['kind'][] = ['broker', 'broker-freeze', 'leaders', 'recreate']

const placeOf = (fault: Fault): string => {
  // At most one broker of three is down.
  if (OF_KAFKA.includes(fault.kind)) return 'Kafka'
  // A machine that was suspended may have a process that was frozen and a clock that steps.
  if (fault.kind === 'clock') return `clock of ${fault.service}-${fault.instance}`
  if ('service' in fault) return `${fault.service}-${fault.instance}`
  if (fault.kind === 'role' || fault.kind === 'tokens') return `${fault.target} ${fault.tenant}`
  if (fault.kind !== 'target') return fault.kind
  return `${fault.target} ${fault.rule.tenant ?? 'of all'}`
}
const nameOf = (fault: Fault): string => {
  if (fault.kind !== 'target') return fault.kind
  const { kind, status, chance } = fault.rule
  const name = kind === 'status' ? `status ${status}` : kind
  return chance === undefined ? name : `${name} now and then`
}

const detailOf = (fault: Fault): string => {
  switch (fault.kind) {
    case 'clock':
      return ` by ${fault.byMs} ms`
    case 'broker':
      return ` broker ${fault.node} by ${fault.signal}`
    case 'broker-freeze':
      return ` broker ${fault.node}`
    case 'recreate':
      return ` ${fault.topic}`
    case 'leaders':
      return ` of ${fault.of} by ${fault.shift}`
    default:
      return ''
  }
}

async function strikeOne(system: System, fault: Exclude<Fault, { kind: 'recreate' }>, seed: number): Promise<void> {
  const { fleet, stack } = system
  const { forMs } = fault
  switch (fault.kind) {
    case 'kill':
      fleet.kill(fault.service, fault.instance)
      await delay(forMs)
      return fleet.start(fault.service, fault.instance)
    case 'freeze':
      fleet.freeze(fault.service, fault.instance)
      await delay(forMs)
      return fleet.thaw(fault.service, fault.instance)
    case 'stop':
      await fleet.stop(fault.service, fault.instance)
      await delay(forMs)
      return fleet.start(fault.service, fault.instance)
    case 'add':
      await fleet.start(fault.service, fault.instance)
      await delay(forMs)
      return fleet.stop(fault.service, fault.instance)
    case 'clock':
      await fleet.setClock(fault.service, fault.instance, fault.byMs)
      await delay(forMs)
      return fault.returns ? fleet.setClock(fault.service, fault.instance, 0) : undefined
    case 'broker': {
      const node = nodeOf(stack, fault.node)
      await node.stop(fault.signal)
      await delay(forMs)
      return node.start()
    }
    case 'broker-freeze': {
      const node = nodeOf(stack, fault.node)
      node.freeze()
      await delay(forMs)
      return node.thaw()
    }
    case 'leaders':
      await patiently(() => moveLeaders(system, fault))
      return delay(forMs)
    case 'registry':
      await stack.registry!.stop()
      await delay(forMs)
      return stack.registry!.start()
    case 'target': {
      const { faults } = system[fault.target]
      const id = faults.add(fault.rule)
      await delay(forMs)
      faults.remove(id)
      // What hangs is never answered; what is late stays late.
      if (fault.rule.kind === 'hang') faults.release(id)
      return
    }
    case 'role':
    case 'tokens':
      setMode(system, fault, true)
      await delay(forMs)
      return setMode(system, fault, false)
    case 'webhooks': {
      const { drop, duplicate, reorder } = fault
      const senders = [system.flow.webhooks, system.omnium.webhooks]
      for (const [i, sender] of senders.entries())
        sender.disturb({ chance: seededChance(seed + i), drop, duplicate, reorder })
      await delay(forMs)
      for (const sender of senders) sender.disturb(null)
    }
  }
}

const nodeOf = (stack: Stack, id: number) => stack.kafka!.nodes.find((node) => node.id === id)!

function setMode({ flow, omnium }: System, fault: Fault & { kind: 'role' | 'tokens' }, isOn: boolean): void {
  const { kind, target, tenant } = fault
  if (kind === 'tokens') omnium.setModes(tenant, { newestTokenOnly: isOn })
  else if (target === 'flow') flow.setModes(tenant, { missingRoles: isOn ? ['list'] : [] })
  else omnium.setModes(tenant, { missingRoles: isOn ? ['search'] : [] })
}
