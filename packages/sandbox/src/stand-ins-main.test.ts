import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { createCaller } from './testing-call.ts'

const main = fileURLToPath(new URL('./stand-ins-main.ts', import.meta.url))
const tenants = [
  {
    uid: 'acme',
    webhookSecret: 's3',
    flow: { token: 't' },
    omnium: { clientId: 'id', clientSecret: 'secret' },
  },
]
const start = (env: Record<string, string>) =>
  spawn(process.execPath, [main], { env: { PATH: process.env.PATH, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })

test('both run as a process that says where they are, and ends on SIGTERM', async () => {
  const child = start({ STAND_INS_TENANTS: JSON.stringify(tenants) })
  const [line] = await once(createInterface({ input: child.stdout }), 'line')
  const urls = JSON.parse(line)

  const flow = await createCaller(urls.flow, 't')('GET', '/tenants/acme/customers')
  const token = await createCaller(urls.omnium)('POST', '/api/token?clientId=id&clientSecret=secret')
  child.kill('SIGTERM')
  const [code] = await once(child, 'exit')

  expect([flow.status, token.status, code]).toEqual([200, 200, 0])
})

test('without tenants it says so and exits with 78', async () => {
  const child = start({})
  let said = ''
  child.stderr.on('data', (chunk) => {
    said += chunk
  })

  const [code] = await once(child, 'close')

  expect(code).toBe(78)
  expect(said).toContain('STAND_INS_TENANTS')
})
