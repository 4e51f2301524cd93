import { ingestParts } from '@sync/shared/ingest'
import { runService } from '@sync/shared/service'
import { Config } from './config.ts'
import { createOmniumHydrator } from './hydrate.ts'
import { createOmniumSweep } from './sweep.ts'
import { parseOmniumWebhook } from './webhook.ts'

await runService('omnium-ingest', Config, (context) => {
  const { publisher, targets, logger } = context
  const { omnium } = targets
  return ingestParts(context, {
    source: 'omnium',
    parse: parseOmniumWebhook,
    hydrator: (known) => createOmniumHydrator({ omnium, publisher, known }),
    sweep: (ports) => createOmniumSweep({ ...ports, omnium, logger }),
  })
})
