import { type ConfigOf, ingestEnv, serviceEnv } from '@sync/shared/config'
import { z } from 'zod'

/** The environment of omnium-ingest. */
export const Config = z.object({ ...serviceEnv('omnium-ingest'), ...ingestEnv('omnium-ingest') })
export type Config = ConfigOf<typeof Config.shape>
