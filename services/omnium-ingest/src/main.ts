import { ingestParts } from '@sync/shared/ingest'
import { runService } from '@sync/shared/service'
import { Config } from './config.ts'
import { createEventsTopicReader } from './events-topic.ts'
import { createOmniumHydrator } from './hydrate.ts'
import { createOmniumSweep } from './sweep.ts'
import { parseOmniumTopicEvent, parseOmniumWebhook } from './webhook.ts'

await runService('omnium-ingest', Config, (context) => {
  const { config, publisher, targets, logger, metrics, tenants } = context
  const { omnium } = targets
  const parts = ingestParts(context, {
    source: 'omnium',
    parse: parseOmniumWebhook,
    hydrator: (ports) => createOmniumHydrator({ ...ports, omnium, publisher }),
    sweep: (ports) => createOmniumSweep({ ...ports, omnium }),
  })
  const events = createEventsTopicReader({
    kafka: context.connectKafka('events'),
    groupId: `${config.topicPrefix}omnium-ingest.events`,
    sessionTimeoutMs: config.kafkaSessionTimeoutMs,
    tenants,
    publisher,
    parse: parseOmniumTopicEvent,
    count: (answer) => metrics.webhooksTotal.inc({ source: 'omnium-events-topic', answer }),
    logger,
    now: Date.now,
  })
  return {
    ...parts,
    parts: [...(parts.parts ?? []), events],
    onTenants() {
      parts.onTenants?.()
      events.tenantsChanged()
    },
  }
})
