import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Acl, aclsOf, KAFKA_USERS } from './acls.ts'
import { SERVICES, TOPICS } from './topics.ts'

const namesOf = (acls: readonly Acl[], operation: Acl['operations'][number], resource: Acl['resource'] = 'topic') =>
  acls.filter((acl) => acl.resource === resource && acl.operations.includes(operation)).flatMap(({ names }) => names)

describe('the ACLs of a service', () => {
  it.each(SERVICES)('of %s are to read and write what the topic table says', (service) => {
    const acls = aclsOf(service, { prefix: '' })

    const own = (of: 'writers' | 'readers') =>
      TOPICS.filter((spec) => spec[of].includes(service)).map(({ name }) => name)
    expect(namesOf(acls, 'WRITE')).toEqual(own('writers'))
    expect(namesOf(acls, 'READ')).toEqual(expect.arrayContaining(own('readers')))
    expect(namesOf(acls, 'READ', 'group')).toContain(service)
  })

  it('let nobody create or alter anything but syncctl, and nobody alter', () => {
    for (const service of SERVICES) {
      const acls = aclsOf(service, { prefix: '' })
      expect(namesOf(acls, 'CREATE')).toEqual([])
      expect(namesOf(acls, 'DELETE')).toEqual([])
    }
    expect(namesOf(aclsOf('syncctl', { prefix: '' }), 'CREATE')).toEqual(TOPICS.map(({ name }) => name))
  })

  it('let an ingest service look up what it wrote, and delete the groups that it does that with, but not its own', () => {
    const acls = aclsOf('flow-ingest', { prefix: '' })

    expect(namesOf(acls, 'READ')).toEqual(expect.arrayContaining(['flow.customers.v1', 'flow.orders.v1']))
    expect(acls).toContainEqual({
      resource: 'group',
      pattern: 'prefixed',
      names: ['flow-ingest.'],
      operations: ['READ', 'DELETE'],
    })
    expect(acls).toContainEqual({ resource: 'group', pattern: 'literal', names: ['flow-ingest'], operations: ['READ'] })
  })

  it('have the prefix on all that is ours, and not on the topics of Omnium', () => {
    const options = { prefix: 'blue.', eventsTopics: ['acme.omnium-events'] }

    const all = KAFKA_USERS.map((user) => [user, aclsOf(user, options).flatMap(({ names }) => names)] as const)

    const foreign = all.flatMap(([user, names]) =>
      names.filter((name) => !name.startsWith('blue.')).map((it) => [user, it]),
    )
    expect(foreign).toEqual([['omnium-ingest', 'acme.omnium-events']])
  })
})

/** The table of docs/security.md; a topic's name stands there once for a user and operation. */
function table(): string {
  const rows = KAFKA_USERS.flatMap((user) =>
    aclsOf(user, { prefix: '' }).map(({ resource, pattern, names, operations }) => {
      const shown = names.map((name) => `\`${name}${pattern === 'prefixed' ? '*' : ''}\``)
      const what = names.length === TOPICS.length ? 'all topics of the table' : shown.join(', ')
      return `| ${user} | ${operations.join(', ')} | ${resource} | ${what} |`
    }),
  )
  return ['| user | operations | on | names |', '|---|---|---|---|', ...rows].join('\n')
}

it("the document's ACL table is the one in code", () => {
  const document = readFileSync(resolve(import.meta.dirname, '../../../../docs/security.md'), 'utf8')

  const shown = /<!-- acls: begin[^>]*-->\n([\s\S]*?)\n?<!-- acls: end -->/.exec(document)?.[1]

  expect(shown).toBe(table())
})
