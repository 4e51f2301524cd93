import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { SERVICES } from '@sync/shared/kafka/topics'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildStage, contextOf, instructionsOf, readDockerignore, stagesOf } from './docker-build.mjs'

const ROOT = resolve(import.meta.dirname, '..')
const dockerfile = readFileSync(join(ROOT, 'Dockerfile'), 'utf8')
const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'))

describe('.dockerignore', () => {
  it.each([
    ['*', 'README.md', true],
    ['*\n!packages', 'packages/shared/src/config.ts', false],
    ['*\n!packages\n**/*.test.ts', 'packages/shared/src/config.test.ts', true],
    ['*\n!packages\n**/node_modules', 'packages/cli/node_modules/x/index.js', true],
    ['*\n!e2e/package.json', 'e2e/src/main.ts', true],
    ['*\n!e2e/package.json', 'e2e/package.json', false],
    ['# *\n', 'README.md', false],
    ['*.md', 'docs/runbook.md', false],
  ])('%j: %s is left out: %s', (text, path, expected) => {
    expect(readDockerignore(text)(path)).toBe(expected)
  })

  it('lets in no tests, no secrets and nothing that no image needs', () => {
    const context = contextOf(ROOT)

    expect(context.filter((path) => /\.test\.|\/testing|vitest|tsconfig|(^|\/)\.env/.test(path))).toEqual([])
    expect([...new Set(context.map((path) => path.split('/')[0]))].sort()).toEqual(
      ['.npmrc', 'bench', 'chaos', 'e2e', 'package-lock.json', 'package.json', 'packages', 'services'].sort(),
    )
  })
})

describe('Dockerfile', () => {
  const stages = stagesOf(dockerfile)
  const wordsOf = (word) => instructionsOf(dockerfile).filter((instruction) => instruction.word === word)

  it('copies the manifest of every workspace, or else npm refuses the lock file', () => {
    const workspaces = Object.keys(lock.packages).filter((path) => path !== '' && !path.includes('node_modules'))

    for (const path of workspaces) expect(dockerfile).toContain(`COPY ${path}/package.json ${path}/`)
  })

  it('runs the version of Node that everything is tested with', () => {
    const version = readFileSync(join(ROOT, '.nvmrc'), 'utf8').trim()

    const bases = [...stages.values()].map(({ from }) => from).filter((from) => !stages.has(from))
    expect(new Set(bases)).toEqual(new Set([`node:${version}-bookworm-slim`]))
  })

  it('gives the services unless another target is named, as a user who is not root, with tini as PID 1', () => {
    expect([...stages.keys()].at(-1)).toBe('service')
    expect(stages.get('service').from).toBe('runtime')
    expect(wordsOf('USER').map(({ rest }) => rest)).toEqual(['1000:1000'])
    expect(JSON.parse(wordsOf('ENTRYPOINT')[0].rest)).toEqual(['/usr/bin/tini', '--', 'node'])
  })

  it('says which version it is', () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))

    expect(dockerfile).toContain(`ARG VERSION=${version}\n`)
  })
})

describe('the images, as far as npm and a shell can build them', () => {
  let folder
  let images
  let node = process.execPath
  /** Root may write whatever the mode says, so then as somebody else. */
  const asNobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'image-'))
    chmodSync(folder, 0o755)
    images = { service: buildStage(ROOT, folder, 'service'), demo: buildStage(ROOT, folder, 'demo') }
    // Somebody else may not be let into the folder that this one is in.
    if (spawnSync(node, ['--version'], asNobody).status !== 0) {
      node = join(folder, 'node')
      copyFileSync(process.execPath, node)
    }
    spawnSync('chmod', ['-R', 'a-w', ...Object.values(images)])
  }, 120_000)
  afterAll(() => {
    if (folder === undefined) return
    spawnSync('chmod', ['-R', 'u+w', folder])
    rmSync(folder, { recursive: true })
  }, 60_000)

  const settings = (image, env) => ({ cwd: images[image], env: { PATH: process.env.PATH, ...env }, ...asNobody })
  const run = (image, args, env = {}) =>
    spawnSync(node, args, { ...settings(image, env), encoding: 'utf8', timeout: 30_000 })

  it('hold no development dependency, no test, and only one of them the stand-ins', () => {
    const installed = JSON.parse(readFileSync(join(images.service, 'node_modules', '.package-lock.json'), 'utf8'))
    const paths = Object.keys(installed.packages)

    expect(paths.length).toBeGreaterThan(40)
    expect(paths.filter((path) => lock.packages[path]?.dev)).toEqual([])
    for (const name of ['node', 'vitest', 'typescript', 'fast-check', 'testcontainers']) {
      expect(paths).not.toContain(`node_modules/${name}`)
    }
    expect(readdirSync(images.service).sort()).toEqual(['node_modules', 'package.json', 'packages', 'services'])
    expect(readdirSync(join(images.service, 'packages')).sort()).toEqual(['cli', 'shared'])
    expect(readdirSync(join(images.demo, 'packages')).sort()).toEqual(['cli', 'sandbox', 'shared'])
    const own = readdirSync(images.demo, { recursive: true }).filter((path) => !path.includes('node_modules/'))
    expect(own.filter((path) => /\.test\.|testing/.test(path))).toEqual([])
  })

  it('run syncctl', () => {
    const { status, stdout } = run('service', ['packages/cli/src/main.ts', 'topics', 'list'])

    expect(stdout).toContain('flow.notifications.v1')
    expect(status).toBe(0)
  })

  it.each(SERVICES)('run %s, which says what its environment lacks', (service) => {
    const { status, stderr } = run('service', [`services/${service}/src/main.ts`])

    expect(stderr).toContain('KAFKA_BROKERS: must be set')
    expect(status).toBe(78)
  })

  it('run the stand-ins', () => {
    const { status, stderr } = run('demo', ['packages/sandbox/src/stand-ins-main.ts'])

    expect(stderr).toContain('STAND_INS_TENANTS')
    expect(status).toBe(78)
  })

  it('tell by their health check that a service without Kafka lives and is not ready, and stop it by SIGTERM', async () => {
    const port = await freePort()
    copyFileSync(join(ROOT, 'deploy', 'demo', 'tenants.json'), join(folder, 'tenants.json'))
    const env = {
      KAFKA_BROKERS: '127.0.0.1:1',
      SCHEMA_REGISTRY_URL: 'http://127.0.0.1:1',
      TENANTS_FILE: join(folder, 'tenants.json'),
      ADMIN_PORT: String(port),
    }
    const [health] = instructionsOf(dockerfile).filter(({ word }) => word === 'HEALTHCHECK')
    const [, flag, script] = JSON.parse(health.rest.slice(health.rest.indexOf('[')))

    const service = spawn(node, ['services/customer-mapper/src/main.ts'], {
      ...settings('service', env),
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const ended = once(service, 'exit')
    try {
      await new Promise((resolve) => {
        service.stdout.on('data', (chunk) => /admin listens/.test(chunk) && resolve())
        ended.then(resolve)
      })
      const live = await fetch(`http://127.0.0.1:${port}/live`)
      const checked = run('service', [flag, script], env)
      service.kill('SIGTERM')
      const [code] = await ended

      expect([live.status, checked.status, code]).toEqual([200, 1, 0])
    } finally {
      service.kill('SIGKILL')
    }
  })
})

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}
