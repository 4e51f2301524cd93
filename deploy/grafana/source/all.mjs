import { ingest } from './ingest.mjs'
import { kafka } from './kafka.mjs'
import { overview } from './overview.mjs'
import { relationManager } from './relation-manager.mjs'
import { targets } from './targets.mjs'
import { tenant } from './tenant.mjs'

export const dashboards = [overview, tenant, relationManager, ingest, targets, kafka]

/** What `write.mjs` writes, by file name. */
export const files = Object.fromEntries(
  dashboards.map((each) => [`${each.uid}.json`, `${JSON.stringify(each, null, 2)}\n`]),
)
