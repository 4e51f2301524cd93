import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import { findPrograms } from '@sync/e2e/find-programs'
import { parseAllDocuments } from 'yaml'

/** Programs that were built from source know of none, or of an old one. */
export const KUBERNETES = ['--kube-version', '1.30.0']
export const CHART = resolve(import.meta.dirname, '..', 'deploy', 'helm')
/** Undefined where there is none. */
export const [helm] = findPrograms('helm')
export const unlessHelm = helm ? '' : ' (skipped: helm is not installed; scripts/fetch-tools.sh builds it where Go is)'

export const REQUIRED = {
  kafka: { brokers: 'kafka-0.kafka:9092,kafka-1.kafka:9092' },
  schemaRegistry: { url: 'http://registry:8080/apis/ccompat/v7' },
  tenants: { existingSecret: 'tenants' },
}
export const EVERYTHING = {
  image: { repository: 'registry.example/sync', digest: `sha256:${'a'.repeat(64)}` },
  imagePullSecrets: [{ name: 'pull' }],
  kafka: {
    brokers: 'kafka:9093',
    ssl: true,
    ca: { existingSecret: 'own-ca', key: 'ca.pem' },
    clientCertificate: { existingSecret: 'own-certificate' },
    sasl: { mechanism: 'scram-sha-512', existingSecret: 'kafka-user' },
  },
  schemaRegistry: { url: 'https://registry.example/apis/ccompat/v7', existingSecret: 'registry-user' },
  topicPrefix: 'shops.',
  partitions: 24,
  tenants: { existingSecret: 'tenants', key: 'shops.json', secretsFrom: 'tenant-secrets' },
  env: { LOG_LEVEL: 'debug', SWEEP_INTERVAL_MS: '600000' },
  services: {
    'flow-ingest': { kafkaUserSecret: 'flow-ingest-user', clientCertificateSecret: 'flow-ingest-certificate' },
    'customer-mapper': { env: { LOG_LEVEL: 'warn', MAX_PENDING_BYTES: '134217728' }, maxReplicas: 24 },
  },
  autoscaling: { enabled: true },
  ingress: { enabled: true, className: 'nginx', host: 'sync.example', tlsSecretName: 'tls', annotations: { a: 'b' } },
  httpRoute: { enabled: true, parentRefs: [{ name: 'public', sectionName: 'https' }], hostnames: ['sync.example'] },
  networkPolicy: { egress: [{ ports: [{ port: 443 }] }] },
  serviceMonitor: { enabled: true, labels: { release: 'prometheus' } },
  prometheusRule: { enabled: true, labels: { release: 'prometheus' } },
  nodeSelector: { 'kubernetes.io/os': 'linux' },
  tolerations: [{ key: 'batch', operator: 'Exists' }],
  affinity: { nodeAffinity: {} },
  priorityClassName: 'high',
  podAnnotations: { note: 'yes' },
  podLabels: { team: 'sync' },
}
export const BARE = {
  ...REQUIRED,
  topicsJob: { enabled: false },
  podDisruptionBudget: { enabled: false },
  networkPolicy: { enabled: false },
  topologySpreadConstraints: [{ topologyKey: 'zone', maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule' }],
}
/** Lists that let nobody in. */
export const CLOSED = { ...REQUIRED, networkPolicy: { monitoringNamespaces: [], ingressNamespaces: [] } }

export const run = (values, args = ['template', 'sync', CHART, '--namespace', 'shops', ...KUBERNETES]) =>
  spawnSync(helm, [...args, '--values', '-'], { input: JSON.stringify(values), encoding: 'utf8', timeout: 20_000 })

export const render = (values) => {
  const { status, stdout, stderr } = run(values)
  if (status !== 0) throw new Error(stderr)
  return parseAllDocuments(stdout)
    .map((document) => document.toJS())
    .filter((manifest) => manifest !== null)
}
export const ofKind = (manifests, kind) => manifests.filter((manifest) => manifest.kind === kind)
export const byService = (manifests, kind) =>
  new Map(
    ofKind(manifests, kind).map((manifest) => [manifest.metadata.labels['app.kubernetes.io/component'], manifest]),
  )
export const podOf = ({ spec }) => spec.template.spec
export const environmentOf = (workload) =>
  Object.fromEntries(podOf(workload).containers[0].env.map((it) => [it.name, it]))
/** Pods are made by these. */
export const workloads = (manifests) => [...ofKind(manifests, 'Deployment'), ...ofKind(manifests, 'Job')]
