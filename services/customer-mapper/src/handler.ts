import { type Conflicts, createConflicts } from '@sync/shared/conflicts'
import { SyncError } from '@sync/shared/errors'
import { outcomeOf } from '@sync/shared/failure-outcome'
import type { Outcome } from '@sync/shared/outcome'
import type { Delivery, HandlerContext, StreamHandler } from '@sync/shared/stream'
import { classify, MAPPER_TOPICS, type MapperTopic } from './classify.ts'
import { handleFlowCustomer } from './handle-flow-customer.ts'
import { handleOmniumCustomer } from './handle-omnium-customer.ts'
import { handleOmniumOrder } from './handle-omnium-order.ts'
import { createPatchLists } from './patch-lists.ts'
import { createPendingRemovals } from './pending-removals.ts'
import type { Peers, Ports } from './ports.ts'
import { createRecent } from './recent.ts'
import { createRefusedCreates } from './refused-creates.ts'

/** How long Omnium may not show our own write yet; a lag that is longer is taken for somebody else's edit. */
const LAG_MS = 5_000

export interface CustomerMapperOptions {
  /** A write without an answer may be executed until twice this time, in ms, has passed. */
  readonly requestDeadlineMs: number
  readonly random?: () => number
}

/** Keeps customers in step in both directions. */
export function createCustomerMapper(
  peers: Peers,
  { requestDeadlineMs, random = Math.random }: CustomerMapperOptions,
): StreamHandler<MapperTopic> {
  const ports: Ports = {
    ...peers,
    written: createRecent<string>(LAG_MS),
    pendingRemovals: createPendingRemovals(),
    patchLists: createPatchLists(peers.omnium),
    refusedCreates: { flow: createRefusedCreates(), omnium: createRefusedCreates() },
  }
  const conflicts = createConflicts({ random })
  const { flow, omnium } = ports.refusedCreates
  /** The target may still execute a write with an unknown end, and answer the next writes 409. */
  const expecting = async (handle: () => Promise<Outcome>, { call, now }: HandlerContext): Promise<Outcome> => {
    try {
      return await handle()
    } catch (error) {
      if (error instanceof SyncError && error.unknownEnd) {
        const untilMs = now() + 2 * requestDeadlineMs
        conflicts.expectUntil(call.key, untilMs)
        for (const creates of [flow, omnium]) creates.expectUntil(call.key, untilMs, now())
      }
      throw error
    }
  }
  const handleOne = (delivery: Delivery<MapperTopic>, context: HandlerContext): Promise<Outcome> => {
    switch (delivery.topic) {
      case 'flow.customers.v1':
        return handleFlowCustomer(delivery, context, ports)
      case 'omnium.orders.v1':
        return handleOmniumOrder(delivery, context, ports)
      case 'omnium.customers.v1':
        return handleOmniumCustomer(delivery, context, ports)
    }
  }

  return {
    service: 'customer-mapper',
    topics: MAPPER_TOPICS,
    classify,
    async handle(deliveries, context) {
      const outcomes: Outcome[] = []
      for (const delivery of deliveries) {
        const handle = () =>
          withConflicts(() => expecting(() => handleOne(delivery, context), context), context, conflicts)
        outcomes.push(await ended(handle, outcomes))
      }
      return outcomes
    },
  }
}

/** A write that was answered 409 is decided again, from a fresh read. */
async function withConflicts(
  handle: () => Promise<Outcome>,
  { call, now }: HandlerContext,
  conflicts: Conflicts,
): Promise<Outcome> {
  try {
    const outcome = await handle()
    conflicts.forget(call.key)
    return outcome
  } catch (error) {
    if (!(error instanceof SyncError) || error.code !== 'version-conflict') throw error
    return conflicts.outcomeOf(call.key, error, now())
  }
}

/**
 * One record's failure is its own: what the others of its key have become stands. When nothing more may be sent, a write
 * `before` it that may be executed late is all that must not be forgotten of those.
 */
async function ended(handle: () => Promise<Outcome>, before: readonly Outcome[]): Promise<Outcome> {
  try {
    return await handle()
  } catch (error) {
    const outcome = outcomeOf(error)
    if (outcome !== null) return outcome
    const isLate = before.some((it) => it.kind === 'retry' && it.verify === true)
    if (!isLate || !(error instanceof SyncError) || error.unknownEnd) throw error
    throw new SyncError(error.code, error.message, { cause: error, unknownEnd: true })
  }
}
