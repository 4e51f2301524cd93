import { outcomeOf } from '@sync/shared/failure-outcome'
import { done, type Outcome, retry, skipped } from '@sync/shared/outcome'
import { runService } from '@sync/shared/service'
import type { Delivery, HandlerContext, StreamHandler } from '@sync/shared/stream'
import { Config } from '../../services/customer-mapper/src/config.ts'

/**
 * One member of the group `customer-mapper`, as a process: everything of it is production code but the handler, which
 * does KEYED_CALLS (default 1) writes to the keyed sink for each record, or with KEYED_NEWEST only for a key's newest. A
 * record that came by the retry lane is compared with what the sink holds.
 */
type Topic = 'flow.customers.v1'

const calls = Number(process.env.KEYED_CALLS || 1)
const group = process.env.KEYED_NEWEST ? 'state' : null

await runService('customer-mapper', Config, ({ targets: { omnium }, config: { serviceInstanceId: member } }) => {
  const write = async ({ id, value, lane }: Delivery<Topic>, { call }: HandlerContext): Promise<Outcome> => {
    const n = Number(value?.customer.n)
    if (lane !== null) {
      const stored = Number((await omnium.getCustomer(call, 'B2C', id))?.n ?? 0)
      if (stored >= n) return skipped(stored === n ? 'unchanged' : 'stale')
    }
    for (let step = 1; step <= calls; step++) {
      await omnium.patchCustomer(call, 'B2C', { customerId: id, n, step, member, pid: process.pid, lane })
    }
    return done({ operation: 'updated', target: 'omnium', version: value?.version ?? '' })
  }

  const handler: StreamHandler<Topic> = {
    service: 'customer-mapper',
    topics: ['flow.customers.v1'],
    classify: ({ value }) =>
      value === null ? { end: skipped('deleted') } : { group, version: value.version ?? '', targets: ['omnium'] },
    async handle(deliveries, context) {
      const outcomes: Outcome[] = []
      for (const delivery of deliveries) {
        const before = outcomes.at(-1)
        if (before?.kind === 'retry') {
          // Behind one that has to come again: not before it.
          outcomes.push(retry('fenced', before.afterMs ?? 0))
          continue
        }
        const outcome = await write(delivery, context).catch((error: unknown) => outcomeOf(error) ?? { error })
        if ('kind' in outcome) outcomes.push(outcome)
        // What was written before the fence closed has ended; only the rest is handled again.
        else if (outcomes.length === 0 || context.call.signal.aborted) throw outcome.error
        else outcomes.push(retry('fenced', 200))
      }
      return outcomes
    },
  }
  return { handler, writes: [] }
})
