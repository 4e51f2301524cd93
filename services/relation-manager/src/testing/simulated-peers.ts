import { SyncError } from '@sync/shared/errors'
import type { FlowClient } from '@sync/shared/flow/client'
import type { Call } from '@sync/shared/http/call'
import type { Publisher } from '@sync/shared/kafka/publisher'
import type { OmniumClient } from '@sync/shared/omnium/client'
import { parentNoteOf } from '@sync/shared/omnium/our-properties'
import type { OmniumCustomer, OmniumKind } from '@sync/shared/omnium/schema'
import { createFakeFlow } from '@sync/shared/testing/fake-flow'
import { createFakeOmnium, type PatchLists } from '@sync/shared/testing/fake-omnium'
import { createFakePublisher } from '@sync/shared/testing/fake-publisher'
import type { Chance } from './chance.ts'

export const START = Date.parse('2026-03-01T00:00:00Z')
export const REQUEST_DEADLINE_MS = 10_000

type PatchFields = Parameters<OmniumClient['patchCustomer']>[2]

/** A step of some handler that waits to be let on. `until`: it was sent, and has to be over by then. */
interface Gate {
  readonly process: number
  readonly until: number
  /** A write on its way, which a crash of its sender does not stop. */
  readonly write: (() => void) | undefined
  open(): void
}

/** What may happen to a write besides its success. `late`: the reply is lost, and the write is executed afterwards. */
const FAULTS = ['refused', 'conflict', 'failed', 'failed-after', 'lost', 'lost-after', 'late'] as const

/**
 * Flow, Omnium and Kafka whose every effect waits, before and after it is sent, until the test lets it on: so the order
 * of effects across keys is the test's choice, and time passes between any two of them.
 */
export function createSimulatedPeers(chance: Chance, patchLists: PatchLists) {
  const flow = createFakeFlow()
  const omnium = createFakeOmnium({ patchLists })
  const publisher = createFakePublisher()
  const gates = new Set<Gate>()
  const late: { readonly at: number; readonly execute: () => void }[] = []
  /** The newest parent version of each company whose write was answered, and how often an older one was sent after it. */
  const answered = new Map<string, string>()
  const peers = { now: START, faultsOneIn: 0, flow, omnium, publisher, late, olderAfterNewer: 0 }

  const step = (process: number, until = Number.POSITIVE_INFINITY, write?: () => void) =>
    new Promise<void>((resolve) => {
      const gate: Gate = {
        process,
        until,
        write,
        open() {
          gates.delete(gate)
          resolve()
        },
      }
      gates.add(gate)
    })
  /** Waits for its turn (a rate limiter), asks the fence, and is on its way for less than the deadline. */
  const send = async (process: number, fence: () => void, write?: () => void) => {
    await step(process)
    fence()
    const until = peers.now + REQUEST_DEADLINE_MS
    await step(process, until, write)
    return until
  }
  const faulty = () => peers.faultsOneIn > 0 && chance.oneIn(peers.faultsOneIn)

  const patch = (process: number, call: Call, kind: OmniumKind, fields: PatchFields) =>
    write(process, call, fields, () => omnium.patchCustomer({ ...call, fence: () => {} }, kind, fields))
  const update = (process: number, call: Call, customer: Record<string, unknown>) =>
    write(process, call, customer as PatchFields, () =>
      omnium.updateBusinessCustomer({ ...call, fence: () => {} }, customer),
    )
  const write = async (
    process: number,
    call: Call,
    fields: PatchFields,
    execute: () => Promise<'updated' | 'not-found'>,
  ) => {
    const until = await send(process, call.fence, execute)
    const fault = faulty() ? chance.pick(FAULTS) : null
    const version = parentNoteOf({ properties: fields.properties } as OmniumCustomer, 'flow').version ?? ''
    if (version !== '' && version < (answered.get(fields.customerId) ?? '')) peers.olderAfterNewer++
    const lost = () =>
      new SyncError('target-timeout', 'patching in omnium: no answer', { target: 'omnium', unknownEnd: true })
    if (fault === 'refused') throw new SyncError('target-refused', 'patching in omnium: 400', { status: 400 })
    if (fault === 'conflict') {
      throw new SyncError('version-conflict', 'patching in omnium: 409', { status: 409 })
    }
    if (fault === 'failed') throw new SyncError('target-failed', 'patching in omnium: 500', { status: 500 })
    if (fault === 'lost') throw lost()
    if (fault === 'late') {
      late.push({
        at: Math.max(peers.now, until - REQUEST_DEADLINE_MS + chance.below(2 * REQUEST_DEADLINE_MS + 1)),
        execute,
      })
      throw lost()
    }
    const answer = await execute()
    if (fault === 'failed-after') throw new SyncError('target-failed', 'patching in omnium: 500', { status: 500 })
    if (fault === 'lost-after') throw lost()
    await step(process, until)
    if (version !== '') answered.set(fields.customerId, version)
    return answer
  }

  /** The peers as one process reaches them. */
  const portsOf = (process: number, onPublished: Publisher['publish']) => {
    const flowClient = {
      getCustomer: async (call, id) => {
        await send(process, call.fence)
        return flow.getCustomer(call, id)
      },
      proveAbsent: async () => {},
    } as Partial<FlowClient> as FlowClient
    const omniumClient = {
      getCustomer: async (call, kind, id) => {
        const until = await send(process, call.fence)
        const answer = await omnium.getCustomer({ ...call, fence: () => {} }, kind, id)
        await step(process, until)
        return answer
      },
      patchCustomer: (call, ...request) => patch(process, call, ...request),
      updateBusinessCustomer: (call, customer) => update(process, call, customer),
      proveAbsent: async () => {},
      inSlot: (call, work) => work(call),
    } as Partial<OmniumClient> as OmniumClient
    const publish: Publisher['publish'] = async (topic, messages, fence) => {
      const until = await send(process, fence ?? (() => {}))
      const lost = faulty()
      if (lost && chance.oneIn(2)) throw new SyncError('kafka-unavailable', 'publishing: no broker')
      await publisher.publish(topic, messages)
      await onPublished(topic, messages)
      if (lost) throw new SyncError('kafka-unavailable', 'publishing: no acknowledgement')
      await step(process, until)
    }
    const handOn: Publisher['handOn'] = async (to, topic, message, fence) => {
      const until = await send(process, fence ?? (() => {}))
      await publisher.handOn(to, topic, message)
      await step(process, until)
    }
    return { flow: flowClient, omnium: omniumClient, publisher: { publish, handOn } }
  }

  return {
    peers,
    portsOf,
    gates: () => [...gates],
    later: (ms: number, execute: () => void) => void late.push({ at: peers.now + ms, execute }),
    /** What a process had under way is forgotten; what it had sent is executed or not. */
    crash(process: number) {
      for (const gate of [...gates]) {
        if (gate.process !== process) continue
        gates.delete(gate)
        if (gate.write !== undefined && chance.oneIn(2))
          late.push({ at: peers.now + chance.below(REQUEST_DEADLINE_MS), execute: gate.write })
      }
    },
    /** Lets time pass, but never past a deadline of what is on its way: that has to be let on first. */
    advance(ms: number) {
      const bound = Math.min(...[...gates].map(({ until }) => until))
      peers.now = Math.min(peers.now + ms, Math.max(bound, peers.now))
      for (const write of late.filter(({ at }) => at <= peers.now)) {
        late.splice(late.indexOf(write), 1)
        write.execute()
      }
    },
  }
}
export type SimulatedPeers = ReturnType<typeof createSimulatedPeers>
