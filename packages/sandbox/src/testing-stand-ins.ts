import { createFlowApi, type FlowApiOptions } from './flow-api.ts'
import { createOmniumApi, type OmniumApiOptions } from './omnium-api.ts'
import type { OmniumModesInput } from './omnium-modes.ts'
import { createCaller } from './testing-call.ts'
import { createReceiver } from './testing-receiver.ts'

export const TOKEN_PATH = '/api/token?clientId=acme-id&clientSecret=acme-secret&returnAsJson=true'

/** Stand-ins with the tenants `acme` and `other` for one test; `closeAll` belongs into `afterEach`. */
export function createTestStandIns() {
  const opened: { close(): unknown }[] = []
  const kept = <Closable extends { close(): unknown }>(it: Closable): Closable => {
    opened.push(it)
    return it
  }
  const startOmnium = async (options: OmniumApiOptions = {}) => {
    const tenants = ['acme', 'other'].map((uid) => ({
      uid,
      clientId: `${uid}-id`,
      clientSecret: `${uid}-secret`,
      modes: { searchLagMs: 0 },
    }))
    const omnium = kept(createOmniumApi({ tenants, ...options }))
    const url = await omnium.listen()
    const { body } = await createCaller(url)('POST', TOKEN_PATH)
    const call = createCaller(url, body.accessToken)
    return { omnium, url, call, admin: createCaller(`${url}/_admin`), issued: body }
  }
  return {
    async closeAll() {
      for (const it of opened.splice(0)) await it.close()
    },
    receiver: async () => kept(await createReceiver()),
    async flow(options: FlowApiOptions = {}) {
      const tenants = ['acme', 'other'].map((uid) => ({ uid, token: `${uid}-token` }))
      const flow = kept(createFlowApi({ tenants, ...options }))
      const url = await flow.listen()
      const call = createCaller(`${url}/tenants/acme`, 'acme-token')
      return { flow, url, call, admin: createCaller(`${url}/_admin`) }
    },
    omnium: startOmnium,
    /** The modes of `acme` are set after its token is issued, because some modes change how tokens are issued. */
    async omniumWithModes(modes: OmniumModesInput) {
      const world = await startOmnium()
      world.omnium.setModes('acme', modes)
      return world
    },
  }
}
