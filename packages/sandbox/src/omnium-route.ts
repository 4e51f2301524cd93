import type { OmniumKind } from './omnium-customers.ts'
import type { OmniumModel } from './omnium-models.ts'

/** What the stand-in knows of a route before its handler runs. */
export interface OmniumRoute {
  readonly kind: OmniumKind | 'order'
  readonly does: 'get' | 'search' | 'write'
  /** The documented model of the body. */
  readonly model?: OmniumModel
  /** The documented names of the query; none without it. */
  readonly query?: readonly string[]
  /** `full`: what the body lacks is reset, so that the body has to echo all that is stored. */
  readonly update?: 'full' | 'partial'
  readonly isBatch?: true
}

declare module 'fastify' {
  interface FastifyContextConfig {
    readonly omnium?: OmniumRoute
  }
}
