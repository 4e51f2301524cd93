import { createOmniumApi } from '@sync/sandbox/omnium-api'
import { expect, test } from 'vitest'
import { checkModels } from './check-models.ts'

test('a request with a field that its documented model lacks is wrong, and its value is not told', async () => {
  const tenants = [{ uid: 'acme', clientId: 'id', clientSecret: 'secret' }]
  const omnium = createOmniumApi({ tenants })
  const token = await omnium.app.inject({ method: 'POST', url: '/api/token?clientId=id&clientSecret=secret' })
  const headers = { authorization: `Bearer ${token.body}` }
  const create = (body: object) => omnium.app.inject({ method: 'POST', url: '/api/PrivateCustomers', headers, body })

  await create({ customerId: '1' })
  const right = checkModels(omnium)
  await create({ customerId: '2', mobile: '4790000000' })
  const wrong = checkModels(omnium)

  expect(right).toMatchObject({ counted: 1, wrong: [] })
  expect(wrong).toMatchObject({
    counted: 2,
    wrong: ['acme: POST /api/PrivateCustomers: OmniumPrivateCustomer has no field mobile (requests: 1)'],
  })
  await omnium.close()
})
