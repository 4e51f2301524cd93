import { type FlowCustomer, readFlowCustomer } from '@sync/shared/flow/schema'
import { rawOf } from '@sync/shared/http/reading'
import { type OmniumCustomer, readOmniumCustomer } from '@sync/shared/omnium/schema'
import type { World } from './company-lists.ts'

type Fields = Readonly<Record<string, unknown>>

/** From now on, each by-id read in Omnium shows `fields` in place of the stored ones. */
export function answerInOmnium(world: World, fields: Fields): void {
  const { getCustomer } = world.omnium
  world.omnium.getCustomer = async (...asked) => {
    const customer = await getCustomer(...asked)
    return customer && (readOmniumCustomer({ ...rawOf(customer), ...fields }) as OmniumCustomer)
  }
}

/** As `answerInOmnium`, in Flow. */
export function answerInFlow(world: World, fields: Fields): void {
  const { getCustomer } = world.flow
  world.flow.getCustomer = async (...asked) => {
    const customer = await getCustomer(...asked)
    return customer && (readFlowCustomer({ ...rawOf(customer), ...fields }) as FlowCustomer)
  }
}
