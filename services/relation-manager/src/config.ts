import { type ConfigOf, parentEnv, serviceEnv } from '@sync/shared/config'
import { z } from 'zod'

/** The environment of relation-manager. */
export const Config = z.object({ ...serviceEnv('relation-manager'), ...parentEnv })
export type Config = ConfigOf<typeof Config.shape>
