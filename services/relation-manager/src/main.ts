import { runService } from '@sync/shared/service'
import { Config } from './config.ts'
import { createRelationManager } from './handler.ts'

await runService('relation-manager', Config, ({ config, targets: { flow, omnium }, publisher }) => ({
  handler: createRelationManager({
    flow,
    omnium,
    publisher,
    parentConfirmMs: config.parentConfirmMs,
    parentWaitMs: config.parentWaitMs,
    requestDeadlineMs: config.requestDeadlineMs,
    random: Math.random,
  }),
  writes: ['company.parent-changes.v1', 'customer-mapper.retry.v1'],
}))
