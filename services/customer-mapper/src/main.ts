import { runService } from '@sync/shared/service'
import { Config } from './config.ts'
import { createCustomerMapper } from './handler.ts'

await runService('customer-mapper', Config, ({ targets: { flow, omnium }, publisher }) => ({
  handler: createCustomerMapper({ flow, omnium, publisher }),
  writes: ['company.parent-changes.v1'],
}))
