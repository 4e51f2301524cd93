import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { SERVICES, type ServiceName } from '@sync/shared/kafka/topics'
import { expect, it, onTestFinished } from 'vitest'
import { eventually } from './eventually.ts'
import { startSandboxProgram } from './sandbox-program.ts'

const ROOT = resolve(import.meta.dirname, '..', '..')
const UP_MS = 90_000
const WHOLE_MS = 240_000
const WATCHED = 'relation-manager'

const tmpFolder = (name: string) => {
  const folder = mkdtempSync(join(tmpdir(), name))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** The services as they are, but one imports a file besides, which a test may change without touching the project's. */
function servicesWithAnImport() {
  const folder = tmpFolder('dev-services-')
  for (const service of SERVICES.filter((name) => name !== WATCHED)) {
    symlinkSync(join(ROOT, 'services', service), join(folder, service))
  }
  const source = join(folder, WATCHED, 'src')
  mkdirSync(source, { recursive: true })
  const change = (code: string) => writeFileSync(join(source, 'imported.ts'), code)
  change('export {}\n')
  const itself = pathToFileURL(join(ROOT, 'services', WATCHED, 'src', 'main.ts')).href
  writeFileSync(join(source, 'main.ts'), `import './imported.ts'\nimport ${JSON.stringify(itself)}\n`)
  return { folder, change }
}

function startDev(servicesDir: string) {
  const tmp = tmpFolder('dev-e2e-')
  const program = startSandboxProgram('dev-main.ts', ['--free-ports'], { TMPDIR: tmp, SYNC_SERVICES_DIR: servicesDir })
  const { text } = program
  const urlOf = (pattern: RegExp): string => {
    const url = pattern.exec(text())?.[1]
    if (url === undefined) throw new Error(`no ${pattern} in:\n${text()}`)
    return url
  }
  return {
    ...program,
    left: () => readdirSync(tmp),
    untilUp: () => eventually('the services', () => text().includes('Ctrl-C ends it'), UP_MS),
    adminUrlOf: (service: ServiceName) => urlOf(new RegExp(`^ +${service} +(http://[\\d.:]+)/ready`, 'm')),
    standIns: () => ({
      customers: urlOf(/curl -s "(http:\S+\/customers)"/),
      state: urlOf(/curl -s "(http:\S+\/state)"/),
    }),
  }
}

type Dev = ReturnType<typeof startDev>

const isReady = (dev: Dev, service: ServiceName) =>
  fetch(`${dev.adminUrlOf(service)}/ready`).then(
    ({ status }) => status === 200,
    () => false,
  )

/** When the process of a service began; undefined while there is none. */
const beginOf = async (dev: Dev, service: ServiceName): Promise<string | undefined> => {
  const metrics = await fetch(`${dev.adminUrlOf(service)}/metrics`).then(
    (answer) => answer.text(),
    () => '',
  )
  return /^process_start_time_seconds (\S+)/m.exec(metrics)?.[1]
}

const beginsOf = (dev: Dev, services: readonly ServiceName[]) =>
  Promise.all(services.map((service) => beginOf(dev, service)))

/** Connections to all services, as the promises of their ends, in good order or not. */
const connectionsTo = (dev: Dev) =>
  Promise.all(
    SERVICES.map(async (service) => {
      const { hostname, port } = new URL(dev.adminUrlOf(service))
      const socket = connect(Number(port), hostname)
      await once(socket, 'connect')
      socket.on('error', () => {}).resume()
      return { closed: new Promise((done) => socket.once('close', done)) }
    }),
  )

it('npm run dev syncs, shows readable logs, restarts only what a change concerns, and ends all', {
  timeout: WHOLE_MS,
}, async () => {
  const { folder, change } = servicesWithAnImport()
  const dev = startDev(folder)
  await dev.untilUp()
  expect(await Promise.all(SERVICES.map((service) => isReady(dev, service)))).toEqual([true, true, true, true])

  const { customers, state } = dev.standIns()
  const body = { customerUid: '1000', customerType: 'PERSON', firstname: 'Kari', lastname: 'Eksempel' }
  const headers = { 'content-type': 'application/json' }
  const created = await fetch(customers, { method: 'POST', headers, body: JSON.stringify(body) })
  expect(created.status).toBe(201)
  await eventually('the customer in Omnium', async () => (await (await fetch(state)).text()).includes('Eksempel'))
  await expect.poll(() => dev.text()).toMatch(/^customer-mapper {2}\[\d\d:\d\d:\d\d\.\d{3}\] INFO: /m)

  const others = SERVICES.filter((service) => service !== WATCHED)
  const [before, begun] = [await beginsOf(dev, others), await beginOf(dev, WATCHED)]
  const isAnew = async () => (await isReady(dev, WATCHED)) && (await beginOf(dev, WATCHED)) !== begun
  change('export const changed = true\n')
  await eventually('the restart of what imports it', isAnew)
  change('this is no program\n')
  await eventually('its failure', () => /^relation-manager .*Failed running/m.test(dev.text()))
  change('export const mended = true\n')
  await eventually('its restart', isAnew)
  expect(await beginsOf(dev, others)).toEqual(before)

  const connections = await connectionsTo(dev)
  dev.child.kill('SIGINT')
  expect(await dev.exited).toBe(0)
  expect(dev.text()).not.toMatch(/was killed|at SIGTERM/)
  await Promise.all(connections.map(({ closed }) => closed))
  await expect.poll(() => dev.left()).toEqual([])
})

it('npm run dev leaves nothing behind when it is killed', { timeout: WHOLE_MS }, async () => {
  const dev = startDev(join(ROOT, 'services'))
  await dev.untilUp()
  const connections = await connectionsTo(dev)

  dev.child.kill('SIGKILL')

  await Promise.all(connections.map(({ closed }) => closed))
  await expect.poll(() => dev.left()).toEqual([])
})
