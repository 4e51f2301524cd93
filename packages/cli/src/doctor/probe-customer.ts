import { setTimeout as delay } from 'node:timers/promises'
import { SyncError } from '@sync/shared/errors'
import type { Call } from '@sync/shared/http/call'
import { rawOf } from '@sync/shared/http/reading'
import type { OmniumClient } from '@sync/shared/omnium/client'
import { hiddenElementLists } from '@sync/shared/omnium/our-properties'
import type { OmniumKind } from '@sync/shared/omnium/schema'
import type { DoctorContext } from './context.ts'
import { explain } from './explain.ts'
import { broken, type Finding, look, ok } from './finding.ts'
import { listsWithProbe, ownLists, type Raw, TRACES, tracesIn, withoutTraces } from './probe-raw.ts'
import { PUT_BACK, putBack, read } from './put-back.ts'

export interface ProbeTimes {
  /** A read right after a write may lag. */
  readonly readAfterMs: number
  /** The search index lags typically less than a second. */
  readonly searchAfterMs: number
  /** The steps before the clean-up end by then. */
  readonly probeMs: number
  /** The clean-up ends by then, also after an interruption. */
  readonly cleanUpMs: number
}
const TIMES: ProbeTimes = { readAfterMs: 2_000, searchAfterMs: 5_000, probeMs: 45_000, cleanUpMs: 30_000 }

const SEARCH = 'omnium: a Search result, compared with a by-id read'
const PATCH = 'omnium: a PATCH of a list'
export const PROBE_CHECKS = [SEARCH, PATCH, PUT_BACK] as const
const ROLE = 'Customer read'

export type ProbeContext = Pick<DoctorContext, 'targets' | 'tenant' | 'call' | 'tell'>

/**
 * How Omnium treats the lists of a PATCH, and whether a `Search` result is as full as a by-id read: adds a contact and an
 * address to one business customer, removes both by PATCH, and puts the customer back as it was. A private customer is only read.
 * After an interruption the customer is put back all the same.
 */
export async function probeCustomer(context: ProbeContext, id: string, times = TIMES): Promise<Finding[]> {
  const { targets, tenant, tell } = context
  const { omnium } = targets
  const call = limited(context.call, times.probeMs)
  const company = await omnium.getCustomer(call, 'B2B', id)
  if (company === null) {
    const person = await omnium.getCustomer(call, 'B2C', id)
    return person === null ? nobody() : probePerson(omnium, call, id)
  }
  // A PATCH of such a list would remove the hidden elements.
  const hidden = hiddenElementLists(company, tenant)
  if (hidden.length > 0) return refused(hidden)
  const uninterrupted = createUninterrupted(context.call, times.cleanUpMs, () =>
    tell(
      `The customer ${id} is being put back, within ${times.cleanUpMs / 1_000} s. A second interruption ends the command at once, ` +
        `and the customer may keep ${TRACES}.\n`,
    ),
  )
  const probe: Probe = { omnium, id, times, call, writing: uninterrupted.call }
  try {
    return await probeCompany(rawOf(company), probe, uninterrupted.begin, context.call)
  } finally {
    uninterrupted.end()
  }
}

interface Probe {
  readonly omnium: OmniumClient
  readonly id: string
  readonly times: ProbeTimes
  /** Ends with an interruption, or when the probe takes too long. */
  readonly call: Call
  /** The call of the writes and of the clean-up. An interruption does not end this call at once. */
  readonly writing: Call
}

async function probeCompany(first: Raw, probe: Probe, begin: () => void, given: Call): Promise<Finding[]> {
  const { omnium, id, times, writing } = probe
  const clean = () => {
    begin()
    return putBack(before, { omnium, id, call: writing, readAfterMs: times.readAfterMs })
  }
  let before = withoutTraces(first)
  if (tracesIn(first) !== null) {
    const gone = await clean()
    const found = `not checked, because the customer still holds traces of an earlier probe`
    if (gone.verdict !== 'ok') return [SEARCH, PATCH].map((check) => broken(check, found, RUN_AGAIN)).concat(gone)
  }
  const findings = new Map<string, Finding>()
  const note = (finding: Finding) => findings.set(finding.check, finding)
  let failure: { readonly found: string; readonly advice: string } | null = null
  try {
    await omnium.inSlot(writing, async (held) => {
      before = await read(omnium, held, id)
      probe.call.signal.throwIfAborted()
      await omnium.patchCustomer(held, 'B2B', { customerId: id, ...listsWithProbe(before) })
    })
    await probeLists(probe, note)
  } catch (error) {
    failure = whyNot(error, probe, given)
    // A write without an answer may still be executed.
    await delay(error instanceof SyncError && error.unknownEnd ? times.searchAfterMs : times.readAfterMs)
  }
  const last = await clean()
  const notDone = (check: string) =>
    broken(check, failure?.found ?? 'not checked, because a PATCH added nothing', failure?.advice ?? RUN_AGAIN)
  return [...[SEARCH, PATCH].map((check) => findings.get(check) ?? notDone(check)), last]
}

const RUN_AGAIN = 'Run the command again.'

function whyNot(error: unknown, { call, times }: Probe, given: Call) {
  if (given.signal.aborted) return { found: 'not checked, because the command was interrupted', advice: RUN_AGAIN }
  if (call.signal.aborted) {
    return { found: `not checked: no answer within ${times.probeMs / 1_000} s`, advice: 'Ask whether omnium is down.' }
  }
  if (error instanceof SyncError) return explain(error, 'omnium', ROLE)
  // A bug must not keep the customer from being put back.
  const name = error instanceof Error ? error.name : 'unknown'
  return { found: `not checked, because of an unexpected failure (${name})`, advice: RUN_AGAIN }
}

async function probeLists(probe: Probe, note: (finding: Finding) => void): Promise<void> {
  const { omnium, id, call, writing, times } = probe
  const holdsProbe = async () => {
    await delay(times.readAfterMs, undefined, { signal: call.signal })
    return tracesIn(await read(omnium, call, id)) !== null
  }
  if (!(await holdsProbe())) {
    const found = 'a PATCH added no contact and no address'
    return void note(broken(PATCH, found, 'Ask Omnium why a PATCH of lists is ignored.'))
  }
  await delay(times.searchAfterMs, undefined, { signal: call.signal })
  note(await compareSearch('B2B', omnium, call, id).catch((error: unknown) => notSearched(error)))
  for (const [option, how] of [
    [{}, 'replaces the list'],
    [{ keepExistingListItems: false }, 'replaces the list if keepExistingListItems is false'],
  ] as const) {
    await omnium.inSlot(writing, async (held) => {
      const lists = ownLists(await read(omnium, held, id))
      call.signal.throwIfAborted()
      await omnium.patchCustomer(held, 'B2B', { customerId: id, ...lists, ...option })
    })
    if (!(await holdsProbe())) return void note(ok(PATCH, how))
  }
  const advice = 'Set omnium.listRemoval to "update" for this tenant, so that removals do not wait for a PATCH.'
  note(look(PATCH, 'merges the list, so that it removes nothing', advice))
}

function notSearched(error: unknown): Finding {
  if (!(error instanceof SyncError) || error.code === 'aborted') throw error
  const { found, advice } = explain(error, 'omnium', ROLE)
  return broken(SEARCH, found, advice)
}

async function compareSearch(kind: OmniumKind, omnium: OmniumClient, call: Call, id: string): Promise<Finding> {
  const { result } = await omnium.searchCustomers(call, kind, { take: 1, page: 0, customerIds: [id] })
  const byId = await omnium.getCustomer(call, kind, id)
  const [found] = result
  const advice = 'Search results decide nothing that needs the missing fields. Nothing has to be done.'
  if (found === undefined || byId === null) {
    return look(SEARCH, 'Search does not find the customer', 'Ask Omnium whether the search index is up to date.')
  }
  const inSearch = rawOf(found)
  const missing = Object.keys(rawOf(byId)).filter((field) => !(field in inSearch))
  return missing.length === 0 ? ok(SEARCH, 'as full') : look(SEARCH, `without ${missing.sort().join(', ')}`, advice)
}

/** A private customer has no contacts, and the services never remove one of its addresses. */
async function probePerson(omnium: OmniumClient, call: Call, id: string): Promise<Finding[]> {
  return [
    await compareSearch('B2C', omnium, call, id).catch(notSearched),
    look(PATCH, 'not checked, because this is a private customer', 'Name a company with --probe to check this.'),
    ok(PUT_BACK, 'nothing was written'),
  ]
}

function nobody(): Finding[] {
  const found = 'not checked, because Omnium has no customer of this id'
  const advice = 'Name a company that you may write to.'
  return [...[SEARCH, PATCH].map((check) => broken(check, found, advice)), ok(PUT_BACK, 'nothing was written')]
}

function refused(hidden: readonly string[]): Finding[] {
  const found = `not checked, because Omnium does not show the ${hidden.join(' and ')} of this customer`
  const advice = 'Name another company with --probe.'
  return [...[SEARCH, PATCH].map((check) => look(check, found, advice)), ok(PUT_BACK, 'nothing was written')]
}

const limited = (call: Call, ms: number): Call => ({
  ...call,
  signal: AbortSignal.any([call.signal, AbortSignal.timeout(ms)]),
})

/** A call that an interruption ends only `ms` later. `begin` starts the same time without an interruption. */
function createUninterrupted(call: Call, ms: number, onInterrupt: () => void) {
  const over = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const begin = () => {
    timer ??= setTimeout(() => over.abort(new Error('the time is over')), ms)
  }
  const interrupted = () => {
    begin()
    onInterrupt()
  }
  call.signal.addEventListener('abort', interrupted, { once: true })
  return {
    call: { ...call, signal: over.signal },
    begin,
    end() {
      clearTimeout(timer)
      call.signal.removeEventListener('abort', interrupted)
    },
  }
}
