import { SyncError, type Target } from '@sync/shared/errors'
import type { Call } from '@sync/shared/http/call'
import type { Role } from '@sync/shared/http/request'
import type { Targets } from '@sync/shared/http/targets'
import type { OmniumKind } from '@sync/shared/omnium/schema'
import type { Check } from './check.ts'
import type { DoctorContext } from './context.ts'
import { adviceIfDown, credentialsAdvice, explain, isAboutCredentials, THROTTLED } from './explain.ts'
import { broken, type Finding, look, ok } from './finding.ts'

/** One kind of read that the services do. */
interface RoleCheck {
  readonly check: string
  readonly target: Target
  /** The role of the peer that the read needs. */
  readonly role: Role
  read(call: Call): Promise<string>
}

/** An id that no tenant uses. */
const NOBODY = 'sync-doctor-nobody'
const PAGE = { pageNumber: 1, pageSize: 1, sortBy: 'lastModifiedAt', sortDirection: 'DESC' } as const

/** The credentials and the roles of our API user, with one check for each kind of read that the services do. */
export const rolesOf = (target: Target, { targets }: DoctorContext): Check[] =>
  readsOf(targets)
    .filter((read) => read.target === target)
    .map((read) => ({
      names: [read.check],
      run: async ({ call }) => [await checkOne(read, call)],
      explain: (error) => explain(error, target, read.role),
    }))

async function checkOne({ check, target, role, read }: RoleCheck, call: Call): Promise<Finding> {
  try {
    return ok(check, await read(call))
  } catch (error) {
    if (!(error instanceof SyncError)) throw error
    const { code, status, message } = error
    if (code === 'aborted') throw error
    if (code === 'role-missing') {
      return broken(check, 'refused to our API user (403)', `Give our API user of ${target} the role "${role}".`)
    }
    if (status === 403) {
      return look(
        check,
        'refused to our API user for one id (403), while other ids are answered',
        `Ask which stores and markets our API user of ${target} may read.`,
      )
    }
    if (isAboutCredentials(error)) {
      const found =
        code === 'circuit-open' ? 'not asked, because our credentials are refused' : 'our credentials are refused (401)'
      return broken(check, found, credentialsAdvice(target))
    }
    if (code === 'target-throttled') return look(check, 'refused by a rate limit (429)', THROTTLED)
    return broken(check, message, adviceIfDown(target))
  }
}

/** Sends the request at the first call and remembers its answer or its failure, because two checks need the same answer. */
function once<T>(ask: (call: Call) => Promise<T>): (call: Call) => Promise<T> {
  let asked: Promise<T> | undefined
  return (call) => (asked ??= ask(call))
}

function readsOf({ flow, omnium }: Targets): RoleCheck[] {
  const counted = (n: number | null | undefined) => (n === null || n === undefined ? 'answered' : `${n} found`)
  const ofKind = (kind: OmniumKind, name: string): RoleCheck[] => {
    const role = 'Customer read' as const
    const search = once((call) => omnium.searchCustomers(call, kind, { take: 1, page: 0 }))
    return [
      {
        check: `omnium: search ${name} customers`,
        target: 'omnium',
        role,
        read: async (call) => counted((await search(call)).totalHits),
      },
      {
        check: `omnium: read a ${name} customer by id`,
        target: 'omnium',
        role,
        async read(call) {
          const id = (await search(call).catch(() => null))?.result[0]?.customerId ?? NOBODY
          return (await omnium.getCustomer(call, kind, id)) === null ? 'answered "not found"' : 'answered'
        },
      },
    ]
  }
  const listCustomers = once((call) => flow.listCustomers(call, PAGE))
  const searchOrders = once((call) => omnium.searchOrders(call, { take: 1, page: 0 }))
  return [
    {
      check: 'flow: list customers',
      target: 'flow',
      role: 'Customer read',
      read: async (call) => counted((await listCustomers(call)).paging?.totalCount),
    },
    {
      check: 'flow: read a customer by id',
      target: 'flow',
      role: 'Customer read',
      async read(call) {
        const id = (await listCustomers(call).catch(() => null))?.items[0]?.customerUid || NOBODY
        return (await flow.getCustomer(call, id)) === null ? 'answered "not found"' : 'answered'
      },
    },
    {
      check: 'flow: read an order by id',
      target: 'flow',
      role: 'Order read',
      read: async (call) => ((await flow.getOrder(call, NOBODY)) === null ? 'answered "not found"' : 'answered'),
    },
    ...ofKind('B2C', 'private'),
    ...ofKind('B2B', 'business'),
    {
      check: 'omnium: search orders',
      target: 'omnium',
      role: 'Order read',
      read: async (call) => counted((await searchOrders(call)).totalHits),
    },
    {
      check: 'omnium: read an order by id',
      target: 'omnium',
      role: 'Order read',
      async read(call) {
        const found = await searchOrders(call).catch(() => null)
        return (await omnium.getOrder(call, found?.result[0]?.id ?? NOBODY)) === null
          ? 'answered "not found"'
          : 'answered'
      },
    },
  ]
}
