import { type ConfigOf, serviceEnv } from '@sync/shared/config'
import { z } from 'zod'

/** The environment of customer-mapper. */
export const Config = z.object(serviceEnv('customer-mapper'))
export type Config = ConfigOf<typeof Config.shape>
