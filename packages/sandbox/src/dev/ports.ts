import { ingestEnv, serviceEnv } from '@sync/shared/config'
import { SERVICES, type ServiceName } from '@sync/shared/kafka/topics'
import { isFree } from '../free-ports.ts'
import { newPorts, type Ports } from '../services.ts'

const isIngest = (service: ServiceName): service is 'flow-ingest' | 'omnium-ingest' => service.endsWith('-ingest')

/** Where a service listens when its environment doesn't say; `http` is 0 for those that take no webhooks. */
export const defaultPorts = (service: ServiceName): Ports => ({
  admin: serviceEnv(service).ADMIN_PORT.parse(undefined),
  http: isIngest(service) ? ingestEnv(service).HTTP_PORT.parse(undefined) : 0,
})

/** Where the webhooks of a peer go; `{tenant}` stands for the tenant's uid. */
export const webhookUrlAt = (source: 'flow' | 'omnium', port: number): string =>
  `http://127.0.0.1:${port}/webhooks/${source}/{tenant}`

/** Free ones of anywhere, or else the services' own; throws when somebody listens on one of those. */
export async function choosePorts(wantsFree: boolean): Promise<ReadonlyMap<ServiceName, Ports>> {
  const chosen = new Map<ServiceName, Ports>()
  for (const service of SERVICES) {
    const ports = wantsFree ? await newPorts() : defaultPorts(service)
    for (const port of [ports.admin, ports.http]) {
      if (port === 0 || (await isFree(port))) continue
      throw new Error(`port ${port} of ${service} is taken: end what listens there, or add --free-ports`)
    }
    chosen.set(service, ports)
  }
  return chosen
}
