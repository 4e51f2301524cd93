import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { findPrograms } from '@sync/e2e/find-programs'
import { Config as FlowIngest } from '@sync/flow-ingest/config'
import { createFlowApi } from '@sync/sandbox/flow-api'
import { standInsConfig } from '@sync/sandbox/stand-ins-config'
import { readConfig } from '@sync/shared/config'
import { SERVICES } from '@sync/shared/kafka/topics'
import { parseTenants } from '@sync/shared/tenants'
import { afterAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'

const ROOT = resolve(import.meta.dirname, '..')
const read = (path) => readFileSync(join(ROOT, path), 'utf8')

/** As it stands: anchors and merges resolved, variables not. */
const { services, volumes } = parse(read('docker-compose.yml'), { merge: true })
const JOBS = ['topics', 'kafka-copies', 'demo-tenants', 'syncctl']
const OWN_IMAGES = ['flow-omnium-sync', 'flow-omnium-sync-demo']
const own = Object.entries(services).filter(([, { image }]) => OWN_IMAGES.includes(image))
const withProfile = (profile) =>
  Object.keys(services).filter((name) => (services[name].profiles?.[0] ?? '') === profile)

describe('docker-compose.yml', () => {
  it('runs the whole system, and more of it by profiles', () => {
    expect(withProfile('').sort()).toEqual(
      ['kafka', 'kafka-ui', 'registry', 'topics', 'prometheus', 'grafana', ...SERVICES].sort(),
    )
    expect(withProfile('cluster')).toEqual(['kafka-2', 'kafka-3', 'kafka-copies'])
    expect(withProfile('demo')).toEqual(['stand-ins', 'demo-tenants'])
    expect(withProfile('tools')).toEqual(['syncctl'])
  })

  it('pins every image', () => {
    for (const [name, { image }] of Object.entries(services)) {
      if (!OWN_IMAGES.includes(image)) expect(image, name).toMatch(/:v?\d+\.\d+\.\d+/)
    }
  })

  it('restarts what ends, watches the health of what runs, and bounds what everything takes', () => {
    for (const [name, service] of Object.entries(services)) {
      const isJob = JOBS.includes(name)
      expect(service.restart, name).toBe(name === 'syncctl' ? undefined : isJob ? 'on-failure' : 'unless-stopped')
      // The image of the services brings its own.
      const isWatched = service.healthcheck?.test !== undefined || SERVICES.includes(name)
      expect(isWatched, name).toBe(!isJob)
      expect(service.mem_limit, name).toMatch(/^\d+[mg]$/)
      expect(service.cpus, name).toBeGreaterThan(0)
    }
  })

  it('gives a service more memory than it takes by its settings', () => {
    const { maxPendingBytes } = readConfig(FlowIngest, environmentOf('flow-ingest'))

    for (const name of SERVICES) {
      expect(Number.parseInt(services[name].mem_limit, 10) * 2 ** 20).toBeGreaterThan(2 * (150e6 + maxPendingBytes))
    }
  })

  it('takes rights away from everything, and from what is ours the disk too', () => {
    for (const [name, { cap_drop, security_opt, privileged, user }] of Object.entries(services)) {
      expect({ cap_drop, security_opt, privileged, user }, name).toEqual({
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
      })
    }
    for (const [name, { read_only }] of own) expect(read_only, name).toBe(true)
  })

  it('starts the services once the topics are there', () => {
    for (const name of SERVICES) {
      expect(services[name].depends_on, name).toEqual({ topics: { condition: 'service_completed_successfully' } })
    }
    expect(services.topics.depends_on).toEqual({
      kafka: { condition: 'service_healthy' },
      registry: { condition: 'service_healthy' },
    })
  })

  it('needs nothing of a profile where that profile is off', () => {
    for (const [name, { profiles, depends_on = {} }] of Object.entries(services)) {
      for (const needed of Object.keys(depends_on)) {
        expect([undefined, ...(profiles ?? [])], name).toContain(services[needed].profiles?.[0])
      }
    }
  })

  it('runs files that exist, in an environment that the services accept', () => {
    for (const name of SERVICES) {
      expect(services[name].command, name).toEqual([`services/${name}/src/main.ts`])
      expect(existsSync(join(ROOT, 'services', name, 'src', 'main.ts')), name).toBe(true)
    }
    expect(readConfig(FlowIngest, environmentOf('flow-ingest'))).toMatchObject({
      kafkaBrokers: ['brokers:19092'],
      adminHost: '0.0.0.0',
      httpPort: 8081,
      serviceInstanceId: 'flow-ingest',
    })
  })

  it('mounts what is there, to read only, and names every volume', () => {
    for (const [name, { volumes: mounts = [] }] of Object.entries(services)) {
      for (const mount of mounts) {
        const [source, , mode] = mount.replace(/^\$\{TENANTS:-(\w+)\}/, '$1').split(':')
        if (source.startsWith('./')) {
          expect(mode, `${name} ${mount}`).toBe('ro')
          // Grafana's are somebody else's work, and have a test of their own.
          if (!source.startsWith('./deploy/grafana')) expect(existsSync(join(ROOT, source)), source).toBe(true)
        } else expect(Object.keys(volumes), name).toContain(source)
      }
    }
  })

  it('publishes nothing beyond this machine, and no port twice', () => {
    const ports = Object.values(services).flatMap(({ ports = [] }) => ports)

    for (const port of ports) expect(port).toMatch(/^(127\.0\.0\.1|\$\{WEBHOOKS_HOST:-127\.0\.0\.1\}):\d+:\d+$/)
    expect(new Set(ports.map((port) => port.split(':').at(-2))).size).toBe(ports.length)
  })

  it('has no secret in it, and none by default', () => {
    const text = read('docker-compose.yml')

    const values = [...text.matchAll(/(?:PASSWORD|SECRET|TOKEN)\w*:(.*)$/gm)].map(([, value]) => value.trim())
    expect(values).toEqual(['""', expect.stringMatching(/^\$\{GRAFANA_ADMIN_PASSWORD:\?/)])
  })
})

describe('the brokers', () => {
  it('differ in their names and ports only, and have one name in common', () => {
    const names = ['kafka', 'kafka-2', 'kafka-3']
    const { environment: _one, ports: _other, volumes: _third, ...first } = services.kafka

    for (const [index, name] of names.entries()) {
      const { environment, ports, volumes: mounts, profiles, ...rest } = services[name]
      expect(environment).toEqual({ NODE_ID: `${index + 1}`, NAME: name, LOCAL_PORT: `9${index || '0'}92` })
      expect(ports).toEqual([`127.0.0.1:9${index || '0'}92:9${index || '0'}92`])
      expect(mounts[1]).toBe(`${name}-data:/var/lib/kafka/data`)
      expect(profiles).toEqual(index === 0 ? undefined : ['cluster'])
      expect(rest).toEqual(first)
    }
    expect(first.networks.default.aliases).toEqual([services.topics.environment.KAFKA_BROKERS.split(':')[0]])
  })
})

describe('Prometheus', () => {
  it('scrapes the admin port of each service, under its name', () => {
    const { scrape_configs: jobs, rule_files: rules } = parse(read('deploy/prometheus/prometheus.yml'))
    const targets = Object.fromEntries(jobs.map((job) => [job.job_name, job.static_configs[0].targets]))

    for (const name of SERVICES) {
      expect(targets[name]).toEqual([`${name}:${services[name].environment.ADMIN_PORT}`])
    }
    for (const file of rules) expect(existsSync(join(ROOT, 'deploy', 'prometheus', file)), file).toBe(true)
  })
})

describe('the demo', () => {
  it('has stand-ins and tenants that know each other, by names and ports of this file', () => {
    const env = Object.fromEntries(
      read('deploy/demo/stand-ins.env')
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('#'))
        .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    )
    const standIns = standInsConfig(env)
    const [tenant, ...others] = parseTenants(read('deploy/demo/tenants.json'), {}).all()
    const [flow] = standIns.flow.tenants
    const [omnium] = standIns.omnium.tenants
    const { aliases } = services['stand-ins'].networks.default

    expect(others).toEqual([])
    expect([flow.uid, omnium.uid]).toEqual([tenant.uid, tenant.uid])
    expect(tenant.flow).toMatchObject({ baseUrl: `http://${aliases[0]}:${standIns.flowPort}`, token: flow.token })
    expect(tenant.omnium).toMatchObject({
      baseUrl: `http://${aliases[1]}:${standIns.omniumPort}`,
      clientId: omnium.clientId,
      clientSecret: omnium.clientSecret,
    })
    expect(flow.webhook).toEqual({
      url: `http://flow-ingest:8081/webhooks/flow/${tenant.uid}`,
      auth: { kind: 'bearer', secret: tenant.webhookSecrets[0] },
    })
    expect(omnium.webhook?.url).toBe(`http://omnium-ingest:8082/webhooks/omnium/${tenant.uid}`)
    expect(standIns.host).toBe('0.0.0.0')
  })
})

describe('deploy/README.md', () => {
  const text = read('deploy/README.md')

  it('names profiles and services that there are', () => {
    const profiles = new Set(Object.values(services).flatMap(({ profiles = [] }) => profiles))
    const named = [...text.matchAll(/--profile (\w+)|COMPOSE_PROFILES=(\w+)|^\| `(\w+)` \|/gm)]
    const run = [...text.matchAll(/docker compose run --rm ([\w-]+)/g)]

    expect(new Set(named.map(([, flag, variable, row]) => flag ?? variable ?? row))).toEqual(profiles)
    expect(run.length).toBeGreaterThan(1)
    for (const [, name] of run) expect(Object.keys(services)).toContain(name)
  })

  it('names ports that are published', () => {
    const published = Object.values(services).flatMap(({ ports = [] }) => ports.map((port) => port.split(':').at(-2)))
    const named = [...text.matchAll(/http:\/\/127\.0\.0\.1:(\d+)/g)].map(([, port]) => port)

    expect(named.length).toBeGreaterThan(4)
    for (const port of named) expect(published).toContain(port)
  })

  it("adds a customer to the demo's tenant, as the stand-in takes one", async () => {
    const [tenant] = parseTenants(read('deploy/demo/tenants.json'), {}).all()
    const [, uid, body] = /_admin\/tenants\/([\w-]+)\/customers --json \\\n\s+'(.*)'/.exec(text) ?? []
    const flow = createFlowApi({ tenants: [{ uid: tenant.uid, token: 'made-up' }] })

    const url = await flow.listen()
    const answer = await fetch(`${url}/_admin/tenants/${uid}/customers`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    }).finally(() => flow.close())

    expect(answer.status).toBe(201)
  })
})

/** Compose 2 and later, and docker-compose 1.29: all that are there. None needs an engine for this. */
const composes = [['docker', 'compose'], ...findPrograms('docker-compose').map((program) => [program])].flatMap(
  (words) => {
    const [program = '', ...args] = words
    const { status, stdout } = spawnSync(program, [...args, 'version', '--short'], { encoding: 'utf8' })
    return status === 0 ? [{ words, version: stdout.trim() }] : []
  },
)
const unless = composes.length > 0 ? '' : ' (skipped: neither docker-compose nor docker compose is installed)'

describe.skipIf(composes.length === 0)(`docker-compose.yml, as Compose reads it${unless}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'compose-'))
  afterAll(() => rmSync(folder, { recursive: true }))

  const config = ({ words }, profiles, settings) => {
    cpSync(join(ROOT, 'docker-compose.yml'), join(folder, 'docker-compose.yml'))
    cpSync(join(ROOT, 'deploy'), join(folder, 'deploy'), { recursive: true })
    writeFileSync(join(folder, '.env'), `${read('.env.example')}\n${settings}\n`)
    const [program = '', ...args] = [...words, ...profiles.flatMap((profile) => ['--profile', profile]), 'config']
    const env = { PATH: process.env.PATH, HOME: process.env.HOME }
    return spawnSync(program, args, { cwd: folder, env, encoding: 'utf8' })
  }

  it.each(composes)('is valid for $version with every profile, and says the same', (compose) => {
    const { stdout, stderr } = config(compose, ['cluster', 'demo', 'tools'], 'GRAFANA_ADMIN_PASSWORD=made-up')
    const all = parse(stdout)?.services ?? stderr

    expect(Object.keys(all).sort()).toEqual(Object.keys(services).sort())
    for (const [name, { command, environment = {} }] of Object.entries(services)) {
      if (command !== undefined) expect(all[name].command, name).toEqual(command)
      for (const [variable, value] of Object.entries(environment)) {
        if (!value.includes('$')) expect(all[name].environment[variable], `${name} ${variable}`).toBe(value)
      }
    }
    expect(all.grafana.environment.GF_SECURITY_ADMIN_PASSWORD).toBe('made-up')
    expect(JSON.parse(all['stand-ins'].environment.STAND_INS_TENANTS)).toHaveLength(1)
  })

  it.each(composes)("does nothing for $version before Grafana's password is set", (compose) => {
    const { status, stderr } = config(compose, [], '')

    expect(status).not.toBe(0)
    expect(stderr).toContain('set it in .env')
  })
})

/** What a container of a service gets: `.env`, and above it what stands in the file. */
function environmentOf(name) {
  const example = Object.fromEntries(
    [...read('.env.example').matchAll(/^([A-Z][A-Z\d_]*)=(.*)$/gm)].map(([, variable, value]) => [variable, value]),
  )
  return { ...example, ...services[name].environment }
}
