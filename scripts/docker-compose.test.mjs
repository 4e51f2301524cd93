import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Config as FlowIngest } from '@sync/flow-ingest/config'
import { readConfig } from '@sync/shared/config'
import { SERVICES } from '@sync/shared/kafka/topics'
import { afterAll, describe, expect, it } from 'vitest'

const ROOT = resolve(import.meta.dirname, '..')
const folder = mkdtempSync(join(tmpdir(), 'compose-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Either of Compose 2 and docker-compose 1.29, whichever is installed; neither needs an engine for this. */
const command = [['docker', 'compose'], ['docker-compose']].find(([program = '', ...args]) => {
  try {
    execFileSync(program, [...args, 'version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
})
const unless = command ? '' : ' (skipped: neither docker-compose nor docker compose is installed)'

/** What Compose makes of the file: anchors, merges and variables resolved. Throws with its words if it is not valid. */
function composed() {
  copyFileSync(join(ROOT, 'docker-compose.yml'), join(folder, 'docker-compose.yml'))
  copyFileSync(join(ROOT, '.env.example'), join(folder, '.env'))
  const [program = '', ...args] = command ?? []
  const text = execFileSync(program, [...args, 'config'], { cwd: folder, encoding: 'utf8' })
  return parseYaml(text).services
}

/** By Python's parser, which docker-compose 1.29 brings along, or by Compose 2 itself. */
function parseYaml(text) {
  if (command?.[0] === 'docker') {
    const json = execFileSync('docker', ['compose', 'config', '--format', 'json'], { cwd: folder, encoding: 'utf8' })
    return JSON.parse(json)
  }
  const script = 'import sys, json, yaml; json.dump(yaml.safe_load(sys.stdin), sys.stdout, default=str)'
  return JSON.parse(execFileSync('python3', ['-c', script], { input: text, encoding: 'utf8' }))
}

describe.skipIf(!command)(`docker-compose.yml${unless}`, () => {
  it('is valid, and runs Kafka, the registry, a topics job and the four services', () => {
    expect(Object.keys(composed()).sort()).toEqual(['kafka', 'kafka-ui', 'registry', 'topics', ...SERVICES].sort())
  })

  it('pins every image', () => {
    for (const [name, { image }] of Object.entries(composed())) {
      if (image !== 'flow-omnium-sync') expect(image, name).toMatch(/:v?\d+\.\d+\.\d+/)
    }
  })

  it('restarts what ends and watches the health of what runs', () => {
    const { topics, ...running } = composed()

    expect(topics?.restart).toBe('on-failure')
    for (const [name, service] of Object.entries(running)) {
      expect(service.restart, name).toBe('unless-stopped')
      expect(service.healthcheck?.test, name).toBeDefined()
    }
  })

  it('starts the services once the topics are there', () => {
    const all = composed()

    for (const name of SERVICES) {
      expect(all[name]?.depends_on, name).toEqual({
        topics: expect.objectContaining({ condition: 'service_completed_successfully' }),
      })
    }
    expect(all.topics?.depends_on).toMatchObject({
      kafka: { condition: 'service_healthy' },
      registry: { condition: 'service_healthy' },
    })
  })

  it('runs files that exist, in an environment that the services accept', () => {
    const all = composed()

    for (const name of SERVICES) {
      expect(all[name]?.command, name).toEqual([`services/${name}/src/main.ts`])
      expect(existsSync(join(ROOT, 'services', name, 'src', 'main.ts')), name).toBe(true)
    }
    expect(readConfig(FlowIngest, all['flow-ingest']?.environment ?? {})).toMatchObject({
      kafkaBrokers: ['kafka:19092'],
      adminHost: '0.0.0.0',
      httpPort: 8081,
    })
  })

  it('publishes nothing beyond this machine', () => {
    for (const [name, { ports = [] }] of Object.entries(composed())) {
      for (const port of ports) {
        expect(typeof port === 'string' ? port.split(':')[0] : port.host_ip, name).toBe('127.0.0.1')
      }
    }
  })
})
