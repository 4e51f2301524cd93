import { SyncError } from '@sync/shared/errors'
import { outcomeOf } from '@sync/shared/failure-outcome'
import type { Outcome } from '@sync/shared/outcome'
import type { Delivery, HandlerContext, StreamHandler } from '@sync/shared/stream'
import { classify, MAPPER_TOPICS, type MapperTopic } from './classify.ts'
import { handleFlowCustomer, type Peers } from './handle-flow-customer.ts'
import { handleOmniumCustomer } from './handle-omnium-customer.ts'
import { handleOmniumOrder } from './handle-omnium-order.ts'
import { createRecent } from './recent.ts'

/** How long Omnium may not show our own write yet; a lag that is longer is taken for somebody else's edit. */
const LAG_MS = 5_000

/** Keeps customers in step in both directions. */
export function createCustomerMapper(peers: Peers): StreamHandler<MapperTopic> {
  const ports = { ...peers, written: createRecent<string>(LAG_MS) }
  const handleOne = (delivery: Delivery<MapperTopic>, context: HandlerContext): Promise<Outcome> => {
    switch (delivery.topic) {
      case 'flow.customers.v1':
        return handleFlowCustomer(delivery, context, ports)
      case 'omnium.orders.v1':
        return handleOmniumOrder(delivery, context, peers)
      case 'omnium.customers.v1':
        return handleOmniumCustomer(delivery, context, peers)
    }
  }

  return {
    service: 'customer-mapper',
    topics: MAPPER_TOPICS,
    classify,
    async handle(deliveries, context) {
      const outcomes: Outcome[] = []
      for (const delivery of deliveries) outcomes.push(await ended(() => handleOne(delivery, context), outcomes))
      return outcomes
    },
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
