import { SyncError, type Target } from '@sync/shared/errors'
import type { OmniumKind } from '@sync/shared/omnium/schema'
import type { DoctorContext } from './context.ts'
import { broken, type Finding, look, ok } from './finding.ts'

/** One kind of read that the services do. */
interface RoleCheck {
  readonly check: string
  readonly target: Target
  /** The role of the peer that the read needs. */
  readonly role: string
  read(): Promise<string>
}

/** An id that no tenant uses. */
const NOBODY = 'sync-doctor-nobody'
const PAGE = { pageNumber: 1, pageSize: 1, sortBy: 'lastModifiedAt', sortDirection: 'DESC' } as const

/** The credentials and the roles of our API users, with one check for each kind of read that the services do. */
export async function checkRoles(context: DoctorContext): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const each of rolesOf(context)) findings.push(await checkOne(each))
  return findings
}

async function checkOne({ check, target, role, read }: RoleCheck): Promise<Finding> {
  try {
    return ok(check, await read())
  } catch (error) {
    if (!(error instanceof SyncError)) throw error
    const { code, status, message } = error
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
    if (code === 'target-unauthorized') {
      return broken(
        check,
        'our credentials are refused (401)',
        `Check the credentials of ${target} in the tenants file.`,
      )
    }
    if (code === 'target-throttled') {
      return look(
        check,
        'refused by a rate limit (429)',
        'Run the command again. Find out who else uses the same API user.',
      )
    }
    return broken(check, message, `Ask whether ${target} is down, and check its base URL.`)
  }
}

/** Sends the request at the first call and remembers its answer or its failure, because two checks need the same answer. */
function once<T>(ask: () => Promise<T>): () => Promise<T> {
  let asked: Promise<T> | undefined
  return () => (asked ??= ask())
}

function rolesOf({ targets: { flow, omnium }, call }: DoctorContext): RoleCheck[] {
  const counted = (n: number | null | undefined) => (n === null || n === undefined ? 'answered' : `${n} found`)
  const ofKind = (kind: OmniumKind, name: string): RoleCheck[] => {
    const role = 'Customer read'
    const search = once(() => omnium.searchCustomers(call, kind, { take: 1, page: 0 }))
    return [
      {
        check: `omnium: search ${name} customers`,
        target: 'omnium',
        role,
        read: async () => counted((await search()).totalHits),
      },
      {
        check: `omnium: read a ${name} customer by id`,
        target: 'omnium',
        role,
        async read() {
          const id = (await search().catch(() => null))?.result[0]?.customerId ?? NOBODY
          return (await omnium.getCustomer(call, kind, id)) === null ? 'answered "not found"' : 'answered'
        },
      },
    ]
  }
  const listCustomers = once(() => flow.listCustomers(call, PAGE))
  const searchOrders = once(() => omnium.searchOrders(call, { take: 1, page: 0 }))
  return [
    {
      check: 'flow: list customers',
      target: 'flow',
      role: 'customers, read',
      read: async () => counted((await listCustomers()).paging?.totalCount),
    },
    {
      check: 'flow: read a customer by id',
      target: 'flow',
      role: 'customers, read',
      async read() {
        const id = (await listCustomers()).items[0]?.customerUid || NOBODY
        return (await flow.getCustomer(call, id)) === null ? 'answered "not found"' : 'answered'
      },
    },
    {
      check: 'flow: read an order by id',
      target: 'flow',
      role: 'orders, read',
      read: async () => ((await flow.getOrder(call, NOBODY)) === null ? 'answered "not found"' : 'answered'),
    },
    ...ofKind('B2C', 'private'),
    ...ofKind('B2B', 'business'),
    {
      check: 'omnium: search orders',
      target: 'omnium',
      role: 'Order read',
      read: async () => counted((await searchOrders()).totalHits),
    },
    {
      check: 'omnium: read an order by id',
      target: 'omnium',
      role: 'Order read',
      async read() {
        const found = await searchOrders().catch(() => null)
        return (await omnium.getOrder(call, found?.result[0]?.id ?? NOBODY)) === null
          ? 'answered "not found"'
          : 'answered'
      },
    },
  ]
}
