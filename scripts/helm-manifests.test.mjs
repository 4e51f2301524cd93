import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Config as CustomerMapper } from '@sync/customer-mapper/config'
import { Config as FlowIngest } from '@sync/flow-ingest/config'
import { Config as OmniumIngest } from '@sync/omnium-ingest/config'
import { Config as RelationManager } from '@sync/relation-manager/config'
import { readConfig } from '@sync/shared/config'
import { SERVICES, TOPICS } from '@sync/shared/kafka/topics'
import { beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import {
  BARE,
  byService,
  CHART,
  CLOSED,
  EVERYTHING,
  environmentOf,
  helm,
  ofKind,
  podOf,
  REQUIRED,
  render,
  unlessHelm,
  workloads,
} from './render-chart.mjs'

const CONFIGS = {
  'flow-ingest': FlowIngest,
  'omnium-ingest': OmniumIngest,
  'customer-mapper': CustomerMapper,
  'relation-manager': RelationManager,
}

describe.skipIf(!helm)(`what the chart makes${unlessHelm}`, () => {
  let required
  let everything
  beforeAll(() => {
    required = render(REQUIRED)
    everything = render(EVERYTHING)
  })

  it('makes a Deployment of each service, and nothing twice', () => {
    const names = everything.map(({ kind, metadata }) => `${kind} ${metadata.name}`)

    expect(new Set(names).size).toBe(names.length)
    expect([...byService(required, 'Deployment').keys()].sort()).toEqual([...SERVICES].sort())
    for (const kind of ['Secret', 'ScaledObject', 'ServiceMonitor', 'PrometheusRule', 'Ingress', 'HTTPRoute']) {
      expect(ofKind(required, kind), kind).toEqual([])
    }
  })

  it.each(SERVICES)('gives %s an environment that it accepts', (service) => {
    const secret = 'made-up'
    const known = (manifests) => {
      const env = environmentOf(byService(manifests, 'Deployment').get(service))
      expect(env.SERVICE_INSTANCE_ID.valueFrom).toEqual({ fieldRef: { fieldPath: 'metadata.name' } })
      // Files that are there in a pod only.
      const variables = Object.entries(env).filter(([name]) => !/^KAFKA_SSL_.*_FILE$/.test(name))
      return readConfig(
        CONFIGS[service],
        Object.fromEntries(variables.map(([name, { value }]) => [name, value ?? secret])),
      )
    }

    expect(known(required)).toMatchObject({
      kafkaBrokers: ['kafka-0.kafka:9092', 'kafka-1.kafka:9092'],
      kafkaSsl: false,
      tenantsFile: '/etc/flow-omnium-sync/tenants/tenants.json',
      adminHost: '0.0.0.0',
      adminPort: 9400,
      topicPrefix: '',
    })
    expect(known(everything)).toMatchObject({
      ...{ kafkaSsl: true, kafkaSaslMechanism: 'scram-sha-512', kafkaSaslUsername: secret, kafkaSaslPassword: secret },
      ...{ schemaRegistryUsername: secret, schemaRegistryPassword: secret, topicPrefix: 'shops.' },
      logLevel: service === 'customer-mapper' ? 'warn' : 'debug',
      maxPendingBytes: service === 'customer-mapper' ? 134_217_728 : 67_108_864,
      tenantsFile: '/etc/flow-omnium-sync/tenants/shops.json',
    })
  })

  it('refers to secrets, and holds none', () => {
    expect(ofKind(everything, 'Secret')).toEqual([])
    for (const workload of workloads(everything)) {
      for (const { name, value, valueFrom } of Object.values(environmentOf(workload))) {
        if (!/PASSWORD|USERNAME|SECRET|TOKEN/.test(name)) continue
        expect(value, name).toBeUndefined()
        expect(valueFrom.secretKeyRef, name).toMatchObject({ name: expect.any(String), key: expect.any(String) })
      }
    }
    const [{ spec }] = ofKind(everything, 'TriggerAuthentication')
    expect(spec.secretTargetRef).toEqual([
      { parameter: 'username', name: 'kafka-user', key: 'username' },
      { parameter: 'password', name: 'kafka-user', key: 'password' },
      { parameter: 'ca', name: 'own-ca', key: 'ca.pem' },
      { parameter: 'cert', name: 'own-certificate', key: 'tls.crt' },
      { parameter: 'key', name: 'own-certificate', key: 'tls.key' },
    ])
  })

  it('has each service be who it is to Kafka: itself, or what all are', () => {
    for (const [service, deployment] of byService(everything, 'Deployment')) {
      const own = service === 'flow-ingest'
      const { KAFKA_SASL_USERNAME: user, KAFKA_SASL_PASSWORD: password } = environmentOf(deployment)
      const names = [user, password].map(({ valueFrom }) => valueFrom.secretKeyRef.name)
      const { secret } = podOf(deployment).volumes.find(({ name }) => name === 'client')

      expect(names, service).toEqual(own ? ['flow-ingest-user', 'flow-ingest-user'] : ['kafka-user', 'kafka-user'])
      expect(secret.secretName, service).toBe(own ? 'flow-ingest-certificate' : 'own-certificate')
    }
  })

  it('has the certificates that its variables name, in the Job too', () => {
    for (const workload of workloads(everything)) {
      const env = environmentOf(workload)
      const pod = podOf(workload)
      const mountOf = (path) => pod.containers[0].volumeMounts.find(({ mountPath }) => path.startsWith(`${mountPath}/`))
      const volumeOf = (path) => pod.volumes.find(({ name }) => name === mountOf(path).name)

      expect(env.NODE_EXTRA_CA_CERTS.value).toBe(env.KAFKA_SSL_CA_FILE.value)
      expect(volumeOf(env.KAFKA_SSL_CA_FILE.value).secret).toEqual({
        secretName: 'own-ca',
        items: [{ key: 'ca.pem', path: env.KAFKA_SSL_CA_FILE.value.split('/').at(-1) }],
      })
      for (const [name, key] of [
        ['KAFKA_SSL_CERT_FILE', 'tls.crt'],
        ['KAFKA_SSL_KEY_FILE', 'tls.key'],
      ]) {
        expect(env[name].value.split('/').at(-1)).toBe(key)
        expect(volumeOf(env[name].value).secret.secretName).toMatch(/-certificate$/)
      }
    }
  })

  it('runs as nobody, on a disk that nobody can write to', () => {
    for (const workload of workloads(everything)) {
      const pod = podOf(workload)
      const [container] = pod.containers
      expect(pod).toMatchObject({
        automountServiceAccountToken: false,
        securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
      })
      expect(container.securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      })
      expect(container.resources.limits.memory).toBeDefined()
      expect(container.resources.requests).toMatchObject({ cpu: expect.any(String), memory: expect.any(String) })
      expect(container.image).toBe(`${EVERYTHING.image.repository}@${EVERYTHING.image.digest}`)
      for (const mount of container.volumeMounts) {
        expect(mount.readOnly, mount.name).toBe(true)
        expect(mount.subPath, mount.name).toBeUndefined()
        expect(pod.volumes.map(({ name }) => name)).toContain(mount.name)
      }
    }
  })

  it('asks each pod whether it lives and is ready, and gives it time to stop', () => {
    for (const [service, deployment] of byService(required, 'Deployment')) {
      const pod = podOf(deployment)
      const [{ livenessProbe, readinessProbe, startupProbe, ports, lifecycle, args }] = pod.containers
      expect(args).toEqual([`services/${service}/src/main.ts`])
      expect(livenessProbe.httpGet).toEqual({ path: '/live', port: 'admin' })
      expect(startupProbe.httpGet).toEqual({ path: '/live', port: 'admin' })
      expect(readinessProbe.httpGet).toEqual({ path: '/ready', port: 'admin' })
      expect(pod.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(30)
      const isIngest = service.endsWith('-ingest')
      expect(ports.map(({ name, containerPort }) => [name, containerPort])).toEqual(
        isIngest
          ? [
              ['admin', 9400],
              ['webhooks', 8080],
            ]
          : [['admin', 9400]],
      )
      expect(lifecycle === undefined).toBe(!isIngest)
      expect(deployment.spec.strategy.rollingUpdate).toEqual({ maxSurge: 1, maxUnavailable: 0 })
    }
  })

  it('points Services, policies and budgets at the pods of their service', () => {
    const pods = byService(everything, 'Deployment')
    const labelsOf = (service) => pods.get(service).spec.template.metadata.labels
    const selectors = [
      ...ofKind(everything, 'Service').map(({ metadata, spec }) => [metadata, spec.selector]),
      ...ofKind(everything, 'NetworkPolicy').map(({ metadata, spec }) => [metadata, spec.podSelector.matchLabels]),
      ...ofKind(everything, 'PodDisruptionBudget').map(({ metadata, spec }) => [metadata, spec.selector.matchLabels]),
      ...[...pods.values()].map(({ metadata, spec }) => [metadata, spec.selector.matchLabels]),
    ]

    expect(selectors).toHaveLength(6 + 4 + 4 + 4)
    for (const [{ name, labels }, selector] of selectors) {
      expect(labelsOf(labels['app.kubernetes.io/component']), name).toMatchObject(selector)
      expect(selector['app.kubernetes.io/component'], name).toBe(labels['app.kubernetes.io/component'])
    }
  })

  it('lets webhooks in from the ingress, monitoring to the admin port, and nobody else', () => {
    const from = (name) => [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': name } } }]
    const admin = { ports: [{ port: 'admin' }], from: from('monitoring') }
    const webhooks = { ports: [{ port: 'webhooks' }], from: from('ingress-nginx') }

    for (const [service, { spec }] of byService(required, 'NetworkPolicy')) {
      expect(spec.policyTypes).toEqual(['Ingress'])
      expect(spec.ingress, service).toEqual(service.endsWith('-ingest') ? [admin, webhooks] : [admin])
    }
    for (const { spec } of ofKind(render(CLOSED), 'NetworkPolicy')) expect(spec.ingress).toEqual([])
    for (const { spec } of ofKind(everything, 'NetworkPolicy')) {
      expect(spec.policyTypes).toEqual(['Ingress', 'Egress'])
      expect(spec.egress).toEqual([
        {
          ports: [
            { port: 53, protocol: 'UDP' },
            { port: 53, protocol: 'TCP' },
          ],
        },
        ...EVERYTHING.networkPolicy.egress,
      ])
    }
  })

  it('routes webhooks, by TLS, to Services that exist, and nothing else', () => {
    const services = new Map(ofKind(everything, 'Service').map(({ metadata, spec }) => [metadata.name, spec]))
    const [ingress] = ofKind(everything, 'Ingress')
    const [route] = ofKind(everything, 'HTTPRoute')
    const routes = [
      ...ingress.spec.rules[0].http.paths.map(({ path, backend }) => [path, backend.service.name]),
      ...route.spec.rules.map(({ matches, backendRefs }) => [matches[0].path.value, backendRefs[0].name]),
    ]

    expect(ingress.spec.tls).toEqual([{ hosts: ['sync.example'], secretName: 'tls' }])
    expect(routes.map(([path]) => path)).toEqual([
      ...['/webhooks/flow', '/webhooks/omnium'],
      ...['/webhooks/flow', '/webhooks/omnium'],
    ])
    for (const [path, name] of routes) {
      expect(name).toBe(`sync-flow-omnium-sync-${path.split('/').at(-1)}-ingest`)
      expect(services.get(name).ports).toEqual([{ name: 'webhooks', port: 80, targetPort: 'webhooks' }])
    }
  })

  it('scales on the lag of the topics that a service reads, by the names that it reads them by', () => {
    const scaled = byService(everything, 'ScaledObject')

    for (const service of SERVICES) {
      const { spec } = scaled.get(service)
      const isWork = ({ name, readers }) => readers.includes(service) && !/\.retry\.|cursors/.test(name)
      const topics = TOPICS.filter(isWork).map(({ name }) => `shops.${name}`)
      expect(spec.triggers.map(({ metadata }) => metadata.topic).sort()).toEqual(topics.sort())
      for (const { metadata, authenticationRef } of spec.triggers) {
        expect(metadata).toMatchObject({
          consumerGroup: `shops.${service}`,
          bootstrapServers: 'kafka:9093',
          ...{ offsetResetPolicy: 'earliest', limitToPartitionsWithLag: 'true', tls: 'enable', sasl: 'scram_sha512' },
        })
        expect(authenticationRef).toEqual({ name: 'sync-flow-omnium-sync-kafka' })
      }
      expect(spec.scaleTargetRef.name).toBe(byService(everything, 'Deployment').get(service).metadata.name)
      expect(spec.maxReplicaCount).toBeLessThanOrEqual(EVERYTHING.partitions)
      expect(spec.minReplicaCount).toBeGreaterThanOrEqual(1)
      expect(byService(everything, 'Deployment').get(service).spec.replicas).toBeUndefined()
    }
  })

  it('applies the topics before anything else, with the partitions of its values', () => {
    const [job] = ofKind(everything, 'Job')

    expect(job.metadata.annotations['helm.sh/hook']).toBe('pre-install,pre-upgrade')
    expect(podOf(job).containers[0].args).toEqual(['packages/cli/src/main.ts', 'topics', 'apply', '--partitions', '24'])
    expect(environmentOf(job).KAFKA_SASL_PASSWORD.valueFrom.secretKeyRef.name).toBe('kafka-user')
    expect(environmentOf(job).TOPIC_PREFIX.value).toBe('shops.')
    expect(ofKind(render(BARE), 'Job')).toEqual([])
  })

  it('has Prometheus scrape every service under its name, and know the rules', () => {
    const [{ spec: monitor }] = ofKind(everything, 'ServiceMonitor')
    const [{ spec: rule }] = ofKind(everything, 'PrometheusRule')
    const scraped = ofKind(everything, 'Service').filter(({ metadata }) =>
      Object.entries(monitor.selector.matchLabels).every(([label, value]) => metadata.labels[label] === value),
    )

    expect(scraped.map(({ metadata }) => metadata.labels[monitor.jobLabel]).sort()).toEqual([...SERVICES].sort())
    expect(monitor.endpoints).toEqual([{ port: 'admin', path: '/metrics', interval: '15s', honorLabels: true }])
    for (const { spec } of scraped) expect(spec.ports).toEqual([{ name: 'admin', port: 9400, targetPort: 'admin' }])
    expect(rule.groups ?? []).toEqual(
      ['recording', 'alerts'].flatMap(
        (name) => parse(readFileSync(join(CHART, '..', 'prometheus', `${name}.yml`), 'utf8')).groups,
      ),
    )
  })
})
