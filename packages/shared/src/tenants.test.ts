import { describe, expect, it } from 'vitest'
import { SyncError } from './errors.ts'
import { parseTenants, secretFilesOf } from './tenants.ts'

const acme = {
  uid: 'acme-no',
  countryCode: 'NO',
  webhookSecrets: ['env:ACME_WEBHOOK_SECRET', 'literal'],
  flow: { baseUrl: 'https://api.flowretail.com/v2/', token: 'env:ACME_FLOW_TOKEN' },
  omnium: { baseUrl: 'http://127.0.0.1:9', clientId: 'acme', clientSecret: 'secret' },
}
const env = { ACME_WEBHOOK_SECRET: 'whsec_1', ACME_FLOW_TOKEN: 'token-1' }
const parse = (tenants: unknown) => parseTenants(JSON.stringify(tenants), env)
const problemsOf = (tenants: unknown): string => {
  try {
    parse(tenants)
  } catch (error) {
    expect(error).toBeInstanceOf(SyncError)
    return (error as SyncError).message
  }
  throw new Error('no problem was found')
}

describe('a tenants file', () => {
  it('has its secrets resolved and its defaults filled in', () => {
    expect(parse([acme]).get('acme-no')).toMatchObject({
      webhookSecrets: ['whsec_1', 'literal'],
      flow: { baseUrl: 'https://api.flowretail.com/v2', token: 'token-1', requestsPerSecond: 20, maxInFlight: 10 },
      omnium: {
        ...{ clientSecret: 'secret', requestsPerSecond: 80, maxInFlight: 16, apiUsers: {} },
        ...{ privateUpdates: 'full', listRemoval: 'patch' },
      },
      parameters: {},
      omniumCustomerEvents: 'create',
    })
  })

  it('tells every problem at once, by its place, and no secret', () => {
    const message = problemsOf([
      acme,
      acme,
      {
        ...acme,
        uid: 'bolt:se',
        webhookSecrets: ['env:NOPE', 'a literal secret'],
        flow: { ...acme.flow, token: 'file:/nowhere/token' },
        omniumCustomerEvents: 'sometimes',
      },
    ])

    expect(message).toContain("[1.uid]: 'acme-no' stands twice")
    expect(message).toContain('[2.uid]: must be there, and have no colon')
    expect(message).toContain('[2.webhookSecrets.0]: environment variable NOPE is not set')
    expect(message).toContain("[2.flow.token]: file /nowhere/token can't be read")
    expect(message).toContain('[2.omniumCustomerEvents]')
    expect(message).not.toContain('a literal secret')
  })

  it('may name an API user for each service, whose secrets are resolved and watched like the others', () => {
    const user = { clientId: 'mapper', clientSecret: 'env:ACME_FLOW_TOKEN', apiUser: 'flow-mapper' }
    const cli = { ...user, clientSecret: 'file:/nowhere/cli' }
    const withUsers = (apiUsers: unknown) => [{ ...acme, omnium: { ...acme.omnium, apiUsers } }]

    expect(parse(withUsers({ 'customer-mapper': user })).get('acme-no')?.omnium.apiUsers).toEqual({
      'customer-mapper': { ...user, clientSecret: 'token-1' },
    })
    expect(secretFilesOf(JSON.stringify(withUsers({ syncctl: cli })))).toContain('/nowhere/cli')
    expect(problemsOf(withUsers({ syncctl: cli }))).toBe(
      "reading tenants: [0.omnium.apiUsers.syncctl.clientSecret]: file /nowhere/cli can't be read",
    )
  })

  it('names what is wrong with the API users of the services', () => {
    const apiUsers = { mapper: { clientId: 'a', clientSecret: 'b', apiUser: 'c' }, syncctl: { clientId: 'a' } }
    const message = problemsOf([{ ...acme, omnium: { ...acme.omnium, apiUsers, privateUpdates: 'some' } }])

    expect(message).toContain('[0.omnium.apiUsers.mapper]: is no service; must be one of flow-ingest, omnium-ingest,')
    expect(message).toContain('[0.omnium.apiUsers.syncctl.clientSecret]')
    expect(message).toContain('[0.omnium.apiUsers.syncctl.apiUser]')
    expect(message).toContain('[0.omnium.privateUpdates]')
  })

  it.each([
    ['http://api.omnium.no', false],
    ['http://127.0.0.1.example.com', false],
    ['ftp://127.0.0.1', false],
    ['https://api.omnium.no', true],
    ['http://localhost:8080', true],
    ['http://[::1]:8080', true],
    ['http://127.3.2.1', true],
  ])('with the base URL %s is valid: %s', (baseUrl, valid) => {
    const tenants = [{ ...acme, omnium: { ...acme.omnium, baseUrl } }]

    if (valid) expect(parse(tenants).all()).toHaveLength(1)
    else expect(problemsOf(tenants)).toContain('must be https')
  })

  it.each([['{'], ['[]'], ['{}'], ['null'], ['[null]'], ['[1]']])('that is %s is refused', (text) => {
    expect(() => parseTenants(text, env)).toThrow(SyncError)
  })
})
