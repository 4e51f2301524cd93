import { readFileSync } from 'node:fs'
import { Config as CustomerMapper } from '@sync/customer-mapper/config'
import { Config as FlowIngest } from '@sync/flow-ingest/config'
import { Config as OmniumIngest } from '@sync/omnium-ingest/config'
import { Config as RelationManager } from '@sync/relation-manager/config'
import { cliEnv, readConfig } from '@sync/shared/config'
import { parseTenants } from '@sync/shared/tenants'
import { expect, it } from 'vitest'

const root = new URL('../', import.meta.url)
const read = (file) => readFileSync(new URL(file, root), 'utf8')

const schemas = [FlowIngest, OmniumIngest, CustomerMapper, RelationManager]

/** The variables of .env.example: set ones, and with their `#` those that show a default. */
const lines = read('.env.example')
  .split('\n')
  .flatMap((line) => {
    const [, off, name, value] = /^(#?)([A-Z][A-Z\d_]*)=(.*)$/.exec(line) ?? []
    return name === undefined ? [] : [{ name, value: value ?? '', off: off === '#' }]
  })
const secrets = [...read('tenants.example.json').matchAll(/"env:(\w+)"/g)].map(([, name]) => name)

const envOf = (chosen) => Object.fromEntries(chosen.map(({ name, value }) => [name, value]))

it('shows every variable of the services and of syncctl once, and the secrets of the example tenants', () => {
  const known = new Set([...schemas.flatMap((schema) => Object.keys(schema.shape)), ...Object.keys(cliEnv)])

  expect(lines.map(({ name }) => name).sort()).toEqual([...known, ...secrets].sort())
})

it.each(schemas)('is a valid environment as it stands, and the defaults that it shows are those in force', (schema) => {
  const asItStands = readConfig(schema, envOf(lines.filter(({ off }) => !off)))
  const withDefaultsSpelledOut = readConfig(schema, envOf(lines))

  expect(withDefaultsSpelledOut).toEqual(asItStands)
})

it('goes with tenants that are valid', () => {
  const tenants = parseTenants(read('tenants.example.json'), envOf(lines))

  expect(tenants.all().map(({ uid }) => uid)).toEqual(['acme-no'])
})
