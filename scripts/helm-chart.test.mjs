import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { SERVICES } from '@sync/shared/kafka/topics'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { manifestProblems } from './manifest-problems.mjs'
import {
  BARE,
  CHART,
  CLOSED,
  EVERYTHING,
  helm,
  KUBERNETES,
  REQUIRED,
  render,
  run,
  unlessHelm,
} from './render-chart.mjs'

const read = (...path) => readFileSync(join(CHART, ...path), 'utf8')
describe('the chart', () => {
  const values = parse(read('values.yaml'), { merge: true })
  const schema = JSON.parse(read('values.schema.json'))
  const templates = readdirSync(join(CHART, 'templates')).map((name) => ({ name, text: read('templates', name) }))
  const at = (root, path) => path.split('.').reduce((value, key) => value?.[key], root)

  it('is of the version of the system', () => {
    const { version } = JSON.parse(read('..', '..', 'package.json'))

    expect(parse(read('Chart.yaml'))).toMatchObject({ apiVersion: 'v2', name: 'flow-omnium-sync', appVersion: version })
  })

  it('has a schema for every value, and a value for everything in the schema', () => {
    expect(Object.keys(values).sort()).toEqual(
      Object.keys(schema.properties)
        .filter((name) => name !== 'global')
        .sort(),
    )
    expect(Object.keys(values.services)).toEqual([...SERVICES])
  })

  it('has templates that use values which exist, and close what they open', () => {
    for (const { name, text } of templates) {
      for (const [, path] of text.matchAll(/\$?\.Values\.([\w.]+)/g))
        expect(at(values, path), `${name} ${path}`).toBeDefined()
      const opened = text.match(/{{-?\s*(if|range|with|define)\b/g)?.length ?? 0
      const closed = text.match(/{{-?\s*end\b|}}{{ end -?}}/g)?.length ?? 0
      expect(closed, name).toBeGreaterThanOrEqual(opened)
    }
  })

  it('has no more processes by default than partitions', () => {
    for (const { replicas, maxReplicas } of Object.values(values.services)) {
      expect(Math.max(replicas, maxReplicas)).toBeLessThanOrEqual(values.partitions)
    }
  })
})

describe.skipIf(!helm)(`the chart, rendered by helm${unlessHelm}`, () => {
  it('passes its linter', () => {
    expect(run(REQUIRED, ['lint', '--strict', CHART, ...KUBERNETES])).toMatchObject({ status: 0 })
  })

  it.each([
    ['what is required', REQUIRED],
    ['everything', EVERYTHING],
    ['as little as possible', BARE],
    ['nobody let in', CLOSED],
  ])('is valid by the schemas of Kubernetes and the operators, with %s', (_name, values) => {
    for (const manifest of render(values)) {
      expect(manifestProblems(manifest), `${manifest.kind} ${manifest.metadata.name}`).toEqual([])
    }
  })

  it.each([
    ['no brokers', { ...REQUIRED, kafka: {} }, /kafka\.brokers must be set/],
    ['no registry', { ...REQUIRED, schemaRegistry: {} }, /schemaRegistry\.url must be set/],
    ['no tenants', { ...REQUIRED, tenants: {} }, /tenants\.existingSecret must be set/],
    [
      'more replicas than partitions by KEDA',
      { ...EVERYTHING, partitions: 12 },
      /customer-mapper may have 24 processes, but there are 12 partitions/,
    ],
    [
      'more replicas than partitions',
      { ...REQUIRED, partitions: 3, services: { 'flow-ingest': { replicas: 4 } } },
      /flow-ingest may have 4 processes, but there are 3 partitions/,
    ],
    [
      'a minimum above the maximum',
      { ...REQUIRED, services: { 'flow-ingest': { minReplicas: 13 } } },
      /minReplicas is above its maxReplicas/,
    ],
    [
      'webhooks without TLS',
      { ...REQUIRED, ingress: { enabled: true, host: 'sync.example' } },
      /tlsSecretName must be/,
    ],
    [
      'SASL without a Secret',
      { ...REQUIRED, kafka: { brokers: 'k:1', sasl: { mechanism: 'plain' } } },
      /existingSecret/,
    ],
    [
      'autoscaling without a user for KEDA',
      {
        ...REQUIRED,
        ...{ autoscaling: { enabled: true }, topicsJob: { enabled: false } },
        kafka: { brokers: 'k:1', sasl: { mechanism: 'plain' } },
        services: Object.fromEntries(SERVICES.map((name) => [name, { kafkaUserSecret: 'own-user' }])),
      },
      /KEDA needs a user/,
    ],
    [
      'a certificate without TLS',
      { ...REQUIRED, kafka: { brokers: 'k:1', clientCertificate: { existingSecret: 'own-certificate' } } },
      /kafka\.ssl must be true/,
    ],
    ['a service of another name', { ...REQUIRED, services: { mapper: {} } }, /mapper/],
    ['a value that is none', { ...REQUIRED, replicas: 3 }, /replicas/],
    [
      'a secret as a value',
      { ...REQUIRED, env: { KAFKA_SASL_PASSWORD: 'made-up' } },
      /env\.KAFKA_SASL_PASSWORD: the chart sets this one itself/,
    ],
    ['a number that YAML may change', { ...REQUIRED, env: { MAX_PENDING_BYTES: 134_217_728 } }, /MAX_PENDING_BYTES/],
    ['less than 30 s to stop', { ...REQUIRED, terminationGracePeriodSeconds: 10 }, /terminationGracePeriodSeconds/],
    ['scaling to nothing', { ...REQUIRED, services: { 'flow-ingest': { minReplicas: 0 } } }, /minReplicas/],
  ])('refuses %s', (_name, values, words) => {
    const { status, stderr } = run(values)

    expect(status).toBe(1)
    expect(stderr).toMatch(words)
  })

  it('takes the values that deploy/README.md shows', () => {
    const [, shown] = /```yaml\n([\s\S]*?)```/.exec(read('..', 'README.md')) ?? []
    const manifests = render(parse(shown))

    for (const manifest of manifests) expect(manifestProblems(manifest)).toEqual([])
    expect(manifests.map(({ metadata }) => metadata.name)).toContain('sync-flow-omnium-sync-topics')
  })

  const { stdout: version } = spawnSync(helm ?? 'helm', ['version', '--short'], { encoding: 'utf8' })
  const needsCluster = version?.startsWith('v3') ? ' (skipped: helm 3 asks a cluster for that)' : ''
  it.skipIf(needsCluster)(`says how to reach what was installed${needsCluster}`, () => {
    const { stdout } = run(EVERYTHING, ['install', 'sync', CHART, '--dry-run=client'])

    expect(stdout).toContain('https://sync.example/webhooks/flow/<tenant uid>')
  })
})
