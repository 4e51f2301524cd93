import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { Config as CustomerMapper } from '@sync/customer-mapper/config'
import { Config as FlowIngest } from '@sync/flow-ingest/config'
import { Config as OmniumIngest } from '@sync/omnium-ingest/config'
import { Config as RelationManager } from '@sync/relation-manager/config'
import { cliEnv, readConfig } from '@sync/shared/config'
import { parseTenants } from '@sync/shared/tenants'
import { expect, it } from 'vitest'
import { z } from 'zod'

const root = new URL('../', import.meta.url)
const read = (file) => readFileSync(new URL(file, root), 'utf8')

const readers = {
  'flow-ingest': FlowIngest,
  'omnium-ingest': OmniumIngest,
  'customer-mapper': CustomerMapper,
  'relation-manager': RelationManager,
  syncctl: z.object(cliEnv),
}
const schemas = Object.values(readers)

/** The variables of .env.example: set ones, and with their `#` those that show a default. */
const lines = read('.env.example')
  .split('\n')
  .flatMap((line) => {
    const [, off, name, value] = /^(#?)([A-Z][A-Z\d_]*)=(.*)$/.exec(line) ?? []
    return name === undefined ? [] : [{ name, value: value ?? '', off: off === '#' }]
  })
/** What the comment above a variable, or above it and others that follow each other, says. */
const commentOf = (name) => {
  const [, comment] = new RegExp(`((?:^# .*\\n)+)(?:^#?[A-Z].*\\n)*?^#?${name}=`, 'm').exec(read('.env.example')) ?? []
  return comment ?? ''
}
const secrets = [...read('tenants.example.json').matchAll(/"env:(\w+)"/g)].map(([, name]) => name)

/** What docker-compose.yml itself is told; not for the services. */
const compose = ['COMPOSE_PROFILES', ...new Set(read('docker-compose.yml').match(/(?<=\$\{)\w+/g))]

const envOf = (chosen) => Object.fromEntries(chosen.map(({ name, value }) => [name, value]))

it('shows every variable of the services, of syncctl and of docker-compose once, and the secrets of the example tenants', () => {
  const known = new Set(schemas.flatMap((schema) => Object.keys(schema.shape)))

  expect(lines.map(({ name }) => name).sort()).toEqual([...known, ...secrets, ...compose].sort())
})

it.each(schemas)('is a valid environment as it stands, and the defaults that it shows are those in force', (schema) => {
  const asItStands = readConfig(schema, envOf(lines.filter(({ off }) => !off)))
  const withDefaultsSpelledOut = readConfig(schema, envOf(lines))

  expect(withDefaultsSpelledOut).toEqual(asItStands)
})

it('has no secret by default, and goes with tenants that are valid once they are set', () => {
  const set = Object.fromEntries(secrets.map((name) => [name, 'made-up']))

  const tenants = parseTenants(read('tenants.example.json'), { ...envOf(lines), ...set })

  for (const { name, value } of lines) if (/PASSWORD|SECRET|TOKEN/.test(name)) expect(value, name).toBe('')

  expect(tenants.all().map(({ uid }) => uid)).toEqual(['acme-no'])
})

it('is read by Node as it is meant', () => {
  expect(parseEnv(read('.env.example'))).toEqual(envOf(lines.filter(({ off }) => !off)))
})

const isSet = (value) => typeof value === 'number' || (typeof value === 'string' && value !== '')
/** Of a variable that shows none: what each program takes for it. */
const unshown = lines
  .filter(({ off, value }) => off && value === '')
  .flatMap(({ name }) =>
    Object.entries(readers).flatMap(([reader, { shape }]) =>
      Object.hasOwn(shape, name) ? [{ name, reader, value: shape[name].safeParse(undefined).data }] : [],
    ),
  )
  .filter(({ value }) => isSet(value))

it('a default that is not shown is told: there are some', () => {
  expect(new Set(unshown.map(({ name }) => name))).toEqual(
    new Set([
      'ADMIN_PORT',
      'HTTP_PORT',
      'SERVICE_INSTANCE_ID',
      'FLOW_RATE_SHARE',
      'OMNIUM_RATE_SHARE',
      'SYNCCTL_STATE_DIR',
    ]),
  )
})

it.each(unshown.filter(({ value }) => typeof value === 'number'))(
  '$name of $reader is told as it is: $value',
  ({ name, reader, value }) => {
    // A line that begins with a peer's name is about that peer's variable alone.
    const peer = /^(FLOW|OMNIUM)_RATE/.exec(name)?.[1].toLowerCase()
    const told = commentOf(name)
      .split('\n')
      .filter((line) => peer === undefined || line.toLowerCase().startsWith(`#   ${peer} `))
      .flatMap((line) =>
        [...line.matchAll(new RegExp(`${reader} ([\\d.]*\\d)`, 'g'))].map(([, number]) => Number(number)),
      )

    // A service that never calls a peer has next to nothing of its rate, and isn't listed there.
    expect(told).toEqual(value < 0.05 ? [] : [value])
  },
)
