import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { SERVICES, type ServiceName } from '@sync/shared/kafka/topics'
import { describe, expect, it, onTestFinished } from 'vitest'
import { eventually } from './eventually.ts'
import { type SandboxProgram, startSandboxProgram } from './sandbox-program.ts'
import { syncctlFor } from './syncctl.ts'

const ROOT = resolve(import.meta.dirname, '..', '..')
const DAY_MS = 180_000

const startDemo = (args: readonly string[], env: NodeJS.ProcessEnv = {}) => startSandboxProgram('demo.ts', args, env)

/** The services as they are, but for one that is another program. */
function servicesBut(name: ServiceName, program: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'demo-services-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  for (const service of SERVICES.filter((service) => service !== name)) {
    symlinkSync(join(ROOT, 'services', service), join(folder, service))
  }
  mkdirSync(join(folder, name, 'src'), { recursive: true })
  writeFileSync(join(folder, name, 'src', 'main.ts'), program)
  return folder
}

describe('the demo with --exit', () => {
  it('finds every field as expected, and ends with 0', { timeout: DAY_MS }, async () => {
    const demo = startDemo(['--exit'])

    const code = await demo.exited

    expect(demo.text()).toContain('all as expected')
    expect(demo.text()).toMatch(/50 edits: p50 \d+ ms, p99 \d+ ms/)
    expect(code).toBe(0)
  })

  it('names a service that does nothing and what is missing for it, and ends with 1', { timeout: DAY_MS }, async () => {
    const demo = startDemo(['--exit'], { SYNC_SERVICES_DIR: servicesBut('relation-manager', 'process.exitCode = 0') })

    const code = await demo.exited

    expect(demo.text()).toContain('relation-manager: ended with code 0')
    expect(demo.text()).toContain('Omnium B2B 2012 .customerRelations')
    expect(demo.text()).toMatch(/Kari Eksempel registers at the till +ok/)
    expect(demo.text()).toMatch(/Department South moves .* +FAILED/)
    expect(code).toBe(1)
  })
})

const untilEndOfDay = (demo: SandboxProgram) =>
  eventually('the end of the day', () => demo.text().includes('Ctrl-C ends it'), DAY_MS)

describe('the demo that stays', () => {
  it('prints the environment that syncctl needs, and its sweeps run', { timeout: DAY_MS }, async () => {
    const demo = startDemo([])
    await untilEndOfDay(demo)
    const lines = demo.text().matchAll(/^ +export (\w+)=(\S+)$/gm)
    const syncctl = await syncctlFor(Object.fromEntries([...lines].map(([, name, value]) => [name, value])))

    const findings = await syncctl.json<{ check: string; verdict: string }>(
      ...['doctor', '--tenant', 'nordlys-no', '--json'],
    )

    expect(findings.filter(({ verdict }) => verdict === 'broken')).toEqual([])
    const sweeps = findings.filter(({ check }) => check.startsWith('sweep of'))
    expect(sweeps.map(({ verdict }) => verdict)).toEqual(['ok', 'ok', 'ok', 'ok'])
    demo.child.kill('SIGINT')
    expect(await demo.exited).toBe(0)
  })

  it.each([
    ['SIGINT', 0],
    ['SIGKILL', null],
  ] as const)('leaves no service behind at %s', { timeout: DAY_MS }, async (signal, expected) => {
    const demo = startDemo([])
    await untilEndOfDay(demo)
    const ports = [...demo.text().matchAll(/http:\/\/127\.0\.0\.1:(\d+)\/ready/g)].map(([, port]) => Number(port))
    const sockets = await Promise.all(
      ports.map(async (port) => {
        const socket = connect(port, '127.0.0.1')
        await once(socket, 'connect')
        return socket.resume()
      }),
    )
    expect(sockets).toHaveLength(SERVICES.length)
    const closed = sockets.map((socket) => once(socket, 'close'))

    demo.child.kill(signal)

    expect(await demo.exited).toBe(expected)
    await Promise.all(closed)
    for (const port of ports) {
      await expect(fetch(`http://127.0.0.1:${port}/live`), `port ${port}`).rejects.toThrow()
    }
  })
})
