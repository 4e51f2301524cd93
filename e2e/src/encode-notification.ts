import { createContracts } from '@sync/shared/contracts/registry'
import { sharedStack } from './stack.ts'
import { TENANT, type World } from './world.ts'

/** The value of `flow.notifications.v1` that says, as its webhook does, that a customer changed. */
export const encodeNotification = ({ prefix }: World, id: string, tenant = TENANT): Promise<Buffer> =>
  createContracts({ registryUrl: sharedStack().registryUrl, prefix }).codec.encode('flow.notifications.v1', {
    ...{ tenant, entity: 'customer', id, via: 'webhook', action: 'CUSTOMER_UPDATE', kind: null, users: [] },
    ...{ version: null, repair: false, receivedAt: new Date().toISOString() },
  })
