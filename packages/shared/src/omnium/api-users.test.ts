import { describe, expect, it } from 'vitest'
import { aTenant } from '../testing/builders.ts'
import { isOmniumApiUser, omniumApiUsers, omniumCredentialsOf } from './api-users.ts'

const omnium = { baseUrl: 'https://omnium.example', clientId: 'shared', clientSecret: 'shared-secret' }
const mapper = { clientId: 'mapper', clientSecret: 'mapper-secret', apiUser: 'flow-mapper' }
const tenant = aTenant({ omnium: { ...omnium, apiUser: 'flow-sync', apiUsers: { 'customer-mapper': mapper } } })

describe('the API users of a tenant in Omnium', () => {
  it('are the shared one and those of the services', () => {
    expect(omniumApiUsers(tenant)).toEqual(['flow-sync', 'flow-mapper'])
    expect(omniumApiUsers(aTenant({ omnium }))).toEqual([])
  })

  it('give a service its own credentials, and the shared ones to the services without', () => {
    expect(omniumCredentialsOf(tenant, 'customer-mapper')).toMatchObject({
      clientId: 'mapper',
      clientSecret: 'mapper-secret',
    })
    expect(omniumCredentialsOf(tenant, 'syncctl')).toMatchObject({ clientId: 'shared', clientSecret: 'shared-secret' })
  })

  it.each([
    ['flow-sync', true],
    ['flow-mapper', true],
    ['flow-sync-0f8fad5b-d9cb-469f-a165-70867728950e', true],
    ['flow-mapper-7C9E6679-7425-40DE-944B-E07FC1F90AE7', true],
    ['flow-sync-kari', false],
    ['flow-sync-0f8fad5b', false],
    ['flow-sync0f8fad5b-d9cb-469f-a165-70867728950e', false],
    ['kari', false],
    ['', false],
  ])('make %s one of ours: %s', (user, expected) => {
    expect(isOmniumApiUser(tenant, user)).toBe(expected)
  })
})
