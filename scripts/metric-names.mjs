import { SERVICES, TOPICS } from '@sync/shared/kafka/topics'
import { createMetrics } from '@sync/shared/metrics'
import { METRICS, STATUS_CLASSES } from '@sync/shared/metrics-table'
import { PARK_REASONS, RETRY_REASONS, SKIP_REASONS } from '@sync/shared/outcome'

/** What Prometheus adds to every series that it scrapes. */
const SCRAPED = ['job', 'instance']

/** Every series that a query may ask for, by name, with its labels: the table's, Node's, Prometheus' own. */
export async function knownSeries() {
  const known = new Map([
    ['up', SCRAPED],
    ['ALERTS', ['alertname', 'alertstate', 'severity']],
  ])
  for (const { name, type, labels } of Object.values(METRICS)) {
    const all = [...SCRAPED, ...labels]
    if (type !== 'histogram') known.set(name, all)
    else
      for (const suffix of ['_bucket', '_sum', '_count'])
        known.set(name + suffix, suffix === '_bucket' ? [...all, 'le'] : all)
  }
  const { text } = await createMetrics('customer-mapper').render()
  for (const [, name = '', labels = ''] of text.matchAll(/^((?:process|nodejs)_\w+)(?:\{(.*)\})? /gm)) {
    known.set(name, [
      ...new Set([...(known.get(name) ?? SCRAPED), ...[...labels.matchAll(/(\w+)="/g)].map(([, label]) => label)]),
    ])
  }
  return known
}

/** The values of labels that come from a closed set; a query that names another one answers nothing, for ever. */
export const KNOWN_VALUES = {
  job: [...SERVICES],
  service: [...SERVICES],
  topic: TOPICS.map(({ name }) => name),
  outcome: ['done', 'skipped', 'deferred', 'parked'],
  reason: [...SKIP_REASONS, ...PARK_REASONS, ...Object.keys(RETRY_REASONS)],
  target: ['flow', 'omnium'],
  source: ['flow', 'omnium', 'omnium-events-topic'],
  status: [...STATUS_CLASSES],
  result: ['acknowledged', 'refused', 'failed'],
  answer: [
    ...['stored', 'ignored', 'unauthorized', 'unknown-tenant', 'unknown-route', 'not-an-event', 'too-large'],
    ...['overloaded', 'stopping', 'unavailable'],
  ],
}
