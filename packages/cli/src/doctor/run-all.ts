import type { Target } from '@sync/shared/errors'
import { type Check, type Group, type GroupEnd, runGroup } from './check.ts'
import { clockOf } from './check-clock.ts'
import { DRIFT, driftWithin } from './check-drift.ts'
import { kafkaChecks } from './check-kafka.ts'
import { readsOfKind } from './check-reads.ts'
import { relationTypes } from './check-relation-types.ts'
import { rolesOf } from './check-roles.ts'
import { secretsOf } from './check-secrets.ts'
import type { DoctorContext } from './context.ts'
import { adviceIfDown, explain } from './explain.ts'
import { broken, type Finding } from './finding.ts'
import { PROBE_CHECKS, probeCustomer } from './probe-customer.ts'

export interface RunOptions {
  /** Connects to Kafka. The checks of the peers do not wait for the connection. */
  connect(): Promise<void>
  readonly probe: string | undefined
  /** Receives each line as soon as its check has ended. */
  onLine(finding: Finding): void
}

/** In ms. Peers and drift together make about a minute. */
const CLOCK_MS = 10_000
const PEER_MS = 25_000
const PEER_EACH_MS = 10_000
const KAFKA_MS = 25_000
const DRIFT_MS = 20_000
const DRIFT_AT_MOST_MS = 30_000

const peer = (target: Target, checks: readonly Check[]): Group => ({
  withinMs: PEER_MS,
  eachMs: PEER_EACH_MS,
  order: 'sequential',
  advice: adviceIfDown(target),
  checks,
})

/** They do not wait for each other. The checks of one peer follow each other, because they share the limits of the tenant. */
const groupsOf = (context: DoctorContext, connect: () => Promise<void>): readonly Group[] => [
  peer('flow', rolesOf('flow', context)),
  peer('omnium', [...rolesOf('omnium', context), readsOfKind('B2C'), readsOfKind('B2B'), relationTypes]),
  {
    ...{ withinMs: CLOCK_MS, eachMs: CLOCK_MS, order: 'parallel', advice: 'Check the base URL.' },
    checks: [clockOf('flow'), clockOf('omnium')],
  },
  {
    ...{ withinMs: CLOCK_MS, eachMs: CLOCK_MS, order: 'sequential', advice: 'Check the tenants file.' },
    checks: [secretsOf(context)],
  },
  {
    withinMs: KAFKA_MS,
    eachMs: KAFKA_MS,
    order: 'parallel',
    advice: 'Check KAFKA_BROKERS, and ask whether Kafka is down.',
    checks: kafkaChecks(connect),
  },
]

/** The findings in the order of the checks. Throws if a person interrupts the command before the probe. */
export async function runAll(context: DoctorContext, { connect, probe, onLine }: RunOptions): Promise<Finding[]> {
  const ends = groupsOf(context, connect).map((group) => runGroup(group, context, onLine))
  // An interruption rejects all of them, and one of them is reported.
  for (const end of ends) end.catch(() => {})
  const [flow, omnium] = await Promise.all([ends[0]!, ends[1]!])
  const blocked = { flow: blockOf(flow), omnium: blockOf(omnium) }
  const drift = runGroup(driftGroup(blocked.flow ?? blocked.omnium), context, onLine)
  drift.catch(() => {})
  const findings = (await Promise.all([...ends, drift])).flatMap((end) => end.findings)
  if (probe === undefined) return findings
  const probed = await runProbe(probe, blocked.omnium, context)
  for (const finding of probed) onLine(finding)
  return [...findings, ...probed]
}

/** The broken line of a peer that does not answer, so that further checks would say nothing. null if the peer answers. */
function blockOf({ findings, isOver }: GroupEnd): Finding | null {
  const isDown = isOver || findings.every(({ verdict }) => verdict === 'broken')
  return isDown ? (findings.find(({ verdict }) => verdict === 'broken') ?? null) : null
}

/** Customers are compared only if both peers answer. */
const driftGroup = (block: Finding | null): Group => ({
  withinMs: DRIFT_AT_MOST_MS,
  eachMs: DRIFT_AT_MOST_MS,
  order: 'sequential',
  advice: 'Ask whether a peer is down.',
  checks: [block === null ? driftWithin(DRIFT_MS) : notCompared(block)],
})

const notCompared = (block: Finding): Check => ({
  names: [DRIFT],
  run: async () => [broken(DRIFT, notChecked(block), block.advice ?? '')],
  explain: (error) => explain(error, 'flow', 'Customer read'),
})

const notChecked = ({ check }: Finding): string => `not checked, because the check "${check}" is broken`

/** An interruption does not end the probe before the customer is put back. */
async function runProbe(id: string, block: Finding | null, context: DoctorContext): Promise<readonly Finding[]> {
  const none = (found: string, advice: string) => PROBE_CHECKS.map((check) => broken(check, found, advice))
  if (block !== null) return none(notChecked(block), block.advice ?? '')
  try {
    return await probeCustomer(context, id)
  } catch (error) {
    context.cluster.signal.throwIfAborted()
    const { found, advice } = explain(error, 'omnium', 'Customer read')
    return none(found, advice)
  }
}
