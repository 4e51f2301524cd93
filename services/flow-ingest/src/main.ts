import { ingestParts } from '@sync/shared/ingest'
import { runService } from '@sync/shared/service'
import { Config } from './config.ts'
import { createFlowHydrator } from './hydrate.ts'
import { createFlowSweep } from './sweep.ts'
import { parseFlowWebhook } from './webhook.ts'

await runService('flow-ingest', Config, (context) => {
  const { publisher, targets } = context
  const { flow } = targets
  return ingestParts(context, {
    source: 'flow',
    parse: parseFlowWebhook,
    hydrator: (ports) => createFlowHydrator({ ...ports, flow, publisher }),
    sweep: (ports) => createFlowSweep({ ...ports, flow }),
  })
})
