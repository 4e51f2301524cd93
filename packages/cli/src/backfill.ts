import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { SyncOutcome } from '@sync/shared/contracts/sync-outcome'
import type { FlowListPlace } from '@sync/shared/flow/pages'
import { partitionOf } from '@sync/shared/kafka/partition-of'
import type { RawMessage } from '@sync/shared/kafka/ports'
import { keyOf } from '@sync/shared/kafka/publisher'
import type { Listed } from '@sync/shared/sweep'
import { newEventId, newTraceparent } from '@sync/shared/tracing'
import { type Command, Option } from 'commander'
import { type Cluster, withCluster } from './cluster.ts'
import { confirm } from './confirm.ts'
import { EXIT, type ExitCode } from './exit.ts'
import { warnWithoutMembers } from './group-members.ts'
import { placeOf, readSent, toLane } from './lane-records.ts'
import { createTally, followOutcomes, type OutcomeEnds, outcomeEnds, summary } from './outcomes.ts'
import { callFor, withTargets } from './peers.ts'
import { createProgress } from './progress.ts'
import { select } from './selectors.ts'
import { allOfFlow, allOfOmnium, countOf, type IncompleteList, type OmniumPlace } from './source-list.ts'
import { openState } from './state.ts'
import { counted, type Terminal } from './terminal.ts'

interface Options {
  readonly tenant: string
  readonly from: 'flow' | 'omnium'
  readonly yes?: boolean
  readonly restart?: boolean
}

/** Customers under way at once: few, so that live changes never wait for them. */
const WINDOW = 500
const CHECK_MS = 50
const MAX_SEEN = 10_000

/** `syncctl backfill`. */
export function addBackfill(program: Command, terminal: Terminal, end: (code: ExitCode) => void): void {
  program
    .command('backfill')
    .description('bring all customers of a tenant across, behind its live changes')
    .addOption(select.tenant().makeOptionMandatory())
    .addOption(new Option('--from <peer>', 'where they come from').choices(['flow', 'omnium']).makeOptionMandatory())
    .addOption(new Option('--entity <name>', 'what').choices(['customers']).default('customers'))
    .option('--restart', 'begin anew instead of going on with an interrupted backfill')
    .addOption(select.yes())
    .addHelpText(
      'after',
      `
Pages through the tenant's customers and sends notifications of them down the ingest service's retry lane, where live
ones go first, and never more than ${WINDOW} that have not ended. What is known already costs no call.
From omnium, what happens to a customer is the tenant's omniumCustomerEvents.
Ctrl-C stops; the same command goes on where it stopped.
Exit code: 0 all have ended, 2 some were parked, or the list of customers is incomplete.
Examples:
  syncctl backfill --tenant acme-no --from flow
  syncctl backfill --tenant acme-no --from omnium --entity customers --yes`,
    )
    .action(async (options: Options) => end(await backfill(options, terminal)))
}

/** Raised when `Begun` changes, so that no command reads the progress that another version wrote. */
const FORM = 2

/** How far an interrupted backfill came. */
interface Begun {
  readonly id: string
  readonly startedAt: string
  /** Of then, so that what was sent before an interruption is followed to its end too. */
  readonly outcomesFrom: OutcomeEnds
  readonly place: FlowListPlace | OmniumPlace
}

async function backfill({ tenant: uid, from, yes, restart }: Options, terminal: Terminal): Promise<ExitCode> {
  return withCluster(terminal, async (cluster) => {
    const tenant = cluster.tenant(uid)
    const state = openState<Begun>(cluster, 'backfill', { uid, from, form: FORM })
    return withTargets(cluster, async (targets) => {
      const call = callFor(tenant, keyOf(uid, `backfill from ${from}`), cluster.signal)
      const total = await countOf(from, targets, call)
      if (total === 0) {
        terminal.err(`Nothing to do: tenant ${uid} has no customers in ${from}.\n`)
        return EXIT.ok
      }
      const before = restart ? null : await state.read()
      if (before !== null) terminal.err(`Going on with the backfill of ${before.startedAt}; --restart begins anew.\n`)
      const what = `${counted(total, 'customer')} of tenant ${uid} in ${from} will be read and brought across.`
      if (before === null && !(await confirm(terminal, what, yes))) return EXIT.ok
      await warnWithoutMembers(cluster, `${from}-ingest`, terminal)
      await warnWithoutMembers(cluster, 'customer-mapper', terminal)

      const startedAt = Date.now()
      const begun = before ?? {
        id: randomUUID().slice(0, 8),
        startedAt: new Date(startedAt).toISOString(),
        outcomesFrom: await outcomeEnds(cluster),
      }
      const tracker = createTracker(cluster.prefix, uid, from)
      if (before !== null) {
        const sent = { reason: reasonOf(from, before.id), startedAt: before.startedAt }
        await readSent(cluster, `${from}-ingest`, sent, (origin, key) =>
          tracker.announced(placeOf(origin), key.slice(key.indexOf(':') + 1)),
        )
      }
      const incomplete: IncompleteList[] = []
      let isListed = false
      let isGivenUp = false
      const progress = createProgress(terminal, 'ended')
      const following = followOutcomes(
        cluster,
        begun.outcomesFrom,
        (outcome) => {
          tracker.take(outcome)
          progress.update(tracker.ended, Math.max(total, tracker.ended + tracker.open))
        },
        () => isGivenUp || (isListed && tracker.open === 0),
      )
      // A failure of it is found when it is waited for, or at the next full window.
      let failed: unknown
      following.catch((error: unknown) => {
        failed = error
      })
      const seen = new Set<string>()
      const announce = async (customers: readonly Listed[]) => {
        const fresh = customers.filter(({ id, version }) => !seen.has(`${id} ${version}`))
        // Pages that overlap are close to each other.
        if (seen.size > MAX_SEEN) seen.clear()
        for (const { id, version } of fresh) seen.add(`${id} ${version}`)
        while (tracker.open + fresh.length > WINDOW && tracker.open > 0) {
          if (failed !== undefined) throw failed
          await delay(CHECK_MS, undefined, { signal: cluster.signal })
        }
        await sendNotifications(cluster, uid, from, fresh, begun.id, tracker)
      }
      const onIncomplete = (list: IncompleteList) => void incomplete.push(list)
      try {
        if (from === 'flow') {
          const wish = { from: (before?.place ?? null) as FlowListPlace | null }
          for await (const { customers, place } of allOfFlow(targets, call, wish, onIncomplete)) {
            await announce(customers.map((it) => ({ id: it.customerUid, version: it.lastModifiedAt ?? null })))
            await state.write({ ...begun, place })
          }
        } else {
          const omniumPlace = (before?.place ?? null) as OmniumPlace | null
          for await (const page of allOfOmnium(targets, call, omniumPlace, onIncomplete)) {
            await announce(page.customers)
            await state.write({ ...begun, place: page.place })
          }
        }
        isListed = true
        await following
      } finally {
        isGivenUp = true
        await following.catch(() => {})
        progress.stop()
      }
      await state.remove()
      terminal.out(summary(tracker.tally, tracker.ended, Date.now() - startedAt, terminal))
      for (const { list, why } of incomplete) {
        terminal.out(`The list of ${list} is incomplete: ${why}. Customers that it left out were not brought across.\n`)
      }
      return tracker.tally.of('parked') > 0 || incomplete.length > 0 ? EXIT.differences : EXIT.ok
    })
  })
}

const reasonOf = (from: string, id: string) => `backfill from ${from}, ${id}`

type Tracker = ReturnType<typeof createTracker>

/** What is under way: read by the ingest service first, and when it wrote a snapshot, handled by the mapper. */
function createTracker(prefix: string, tenant: string, from: 'flow' | 'omnium') {
  const reading = new Map<string, string>()
  const mapping = new Map<string, number>()
  /** Mapped since they were announced: the outcomes of two services come in any order. */
  const mapped = new Set<string>()
  const tally = createTally()
  const notifications = `${prefix}${from}.notifications.v1`
  const snapshots = `${prefix}${from}.customers.v1`
  let ended = 0
  const end = ({ outcome, reason }: Pick<SyncOutcome, 'outcome' | 'reason'>) => {
    tally.add(outcome, reason)
    ended++
  }
  return {
    tally,
    get ended() {
      return ended
    },
    get open() {
      return reading.size + mapping.size
    },
    announced: (place: string, id: string) => {
      reading.set(place, id)
      mapped.delete(id)
    },
    take(outcome: SyncOutcome) {
      if (outcome.tenant !== tenant || outcome.outcome === 'deferred') return
      const place = placeOf(outcome)
      if (outcome.topic === notifications && reading.has(place)) {
        const id = reading.get(place)!
        reading.delete(place)
        const isHydrated = outcome.outcome === 'done' && outcome.operation === 'hydrated'
        if (isHydrated && !mapped.has(id)) mapping.set(id, 1)
        else end(outcome)
      } else if (outcome.topic === snapshots && outcome.reason !== 'superseded') {
        if (mapping.delete(outcome.id)) end(outcome)
        else if (reading.size > 0) mapped.add(outcome.id)
      }
      if (reading.size === 0) mapped.clear()
    },
  }
}

async function sendNotifications(
  cluster: Cluster,
  tenant: string,
  from: 'flow' | 'omnium',
  customers: readonly (Listed & { readonly kind?: 'B2C' | 'B2B' })[],
  runId: string,
  tracker: Tracker,
): Promise<void> {
  if (customers.length === 0) return
  const topic = `${from}.notifications.v1` as const
  const partitions = await cluster.partitions()
  const receivedAt = new Date().toISOString()
  const messages = await Promise.all(
    customers.map(async ({ id, version, kind }): Promise<RawMessage> => {
      const key = keyOf(tenant, id)
      const value = await cluster.contracts.codec.encode(topic, {
        ...{ tenant, entity: 'customer', id, via: 'backfill', action: null, kind: kind ?? null },
        ...{ users: [], version, repair: false, receivedAt },
      })
      // It never stood on the topic of its origin: an offset that no record has tells it from all others.
      const origin = { topic: cluster.prefix + topic, partition: partitionOf(key, partitions), offset: newOffset() }
      tracker.announced(placeOf(origin), id)
      const headers = {
        ...{ 'event-id': newEventId(), source: 'syncctl', 'occurred-at': receivedAt, traceparent: newTraceparent() },
      }
      const original = { key: Buffer.from(key), value, headers }
      return toLane(cluster, `${from}-ingest`, original, { why: 'replayed', origin, reason: reasonOf(from, runId) })
    }),
  )
  await cluster.send(messages)
}

let lastOffset = 0
/** Rising within a run and from run to run, beyond any offset of a real record. */
function newOffset(): number {
  lastOffset = Math.max(lastOffset + 1, Date.now() * 1_000)
  return lastOffset
}
