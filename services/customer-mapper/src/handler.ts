import { outcomeOf } from '@sync/shared/failure-outcome'
import type { Outcome } from '@sync/shared/outcome'
import type { Delivery, HandlerContext, StreamHandler } from '@sync/shared/stream'
import { classify, MAPPER_TOPICS, type MapperTopic } from './classify.ts'
import { handleFlowCustomer, type Peers } from './handle-flow-customer.ts'
import { handleOmniumCustomer } from './handle-omnium-customer.ts'
import { handleOmniumOrder } from './handle-omnium-order.ts'

/** Keeps customers in step in both directions. */
export function createCustomerMapper(peers: Peers): StreamHandler<MapperTopic> {
  const handleOne = (delivery: Delivery<MapperTopic>, context: HandlerContext): Promise<Outcome> => {
    switch (delivery.topic) {
      case 'flow.customers.v1':
        return handleFlowCustomer(delivery, context, peers)
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
      for (const delivery of deliveries) outcomes.push(await ended(() => handleOne(delivery, context)))
      return outcomes
    },
  }
}

/** One record's failure is its own: what the others of its key have become stands. */
async function ended(handle: () => Promise<Outcome>): Promise<Outcome> {
  try {
    return await handle()
  } catch (error) {
    const outcome = outcomeOf(error)
    if (outcome === null) throw error
    return outcome
  }
}
