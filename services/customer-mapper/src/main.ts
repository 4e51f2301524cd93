import { runService } from '@sync/shared/service'
import { Config } from './config.ts'
import { createCustomerMapper } from './handler.ts'

await runService('customer-mapper', Config, ({ targets: { flow, omnium }, publisher, config }) => ({
  handler: createCustomerMapper({ flow, omnium, publisher }, config),
  writes: ['company.parent-changes.v1'],
}))
