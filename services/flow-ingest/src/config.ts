import { type ConfigOf, ingestEnv, serviceEnv } from '@sync/shared/config'
import { z } from 'zod'

/** The environment of flow-ingest. */
export const Config = z.object({ ...serviceEnv('flow-ingest'), ...ingestEnv('flow-ingest') })
export type Config = ConfigOf<typeof Config.shape>
