import type { HttpAnswer, Send, TargetRequest } from '../http/request.ts'
import type { ManualTime } from './manual-time.ts'

type Body = Record<string, unknown>
type Kind = 'customer' | 'B2C' | 'B2B' | 'order' | 'flow-order'

/** Both peers behind one `Send`, in simulated time: what is stored, what was asked, and a gateway in front of them. */
export interface SimulatedPeers {
  readonly send: Send
  /** Stored by kind and id. A test changes them as another system would. */
  readonly stored: Readonly<Record<Kind, Map<string, Body>>>
  /** What `Search` finds besides what is stored, as an index that lags behind. */
  readonly ghosts: Readonly<Record<'B2C' | 'B2B', Set<string>>>
  /** `GET B2C/1`, `POST B2C/Search`, in the order in which they arrived. */
  readonly asked: string[]
  /** Answers in the place of the peer, unless it answers undefined. */
  gateway: (request: TargetRequest) => HttpAnswer | undefined
}

export const answer = (status: number, body: unknown = {}): HttpAnswer => ({
  status,
  headers: { 'content-type': 'application/json' },
  text: status === 204 ? '' : JSON.stringify(body),
})
export const html = (status: number): HttpAnswer => ({
  status,
  headers: { 'content-type': 'text/html' },
  text: '<!doctype html><html><title>No</title></html>',
})

const LATENCY_MS = 20
const PATHS: readonly [RegExp, Kind][] = [
  [/^\/api\/PrivateCustomers/, 'B2C'],
  [/^\/api\/BusinessCustomers?/, 'B2B'],
  [/^\/api\/Orders/, 'order'],
  [/^\/tenants\/[^/]+\/customers/, 'customer'],
  [/^\/tenants\/[^/]+\/orders/, 'flow-order'],
]

export function createSimulatedPeers(time: ManualTime): SimulatedPeers {
  const stored = { customer: new Map(), B2C: new Map(), B2B: new Map(), order: new Map(), 'flow-order': new Map() }
  const ghosts = { B2C: new Set<string>(), B2B: new Set<string>() }
  const asked: string[] = []
  const peers: SimulatedPeers = {
    stored,
    ghosts,
    asked,
    gateway: () => undefined,
    async send(request) {
      if (request.operation === 'token') return answer(200, { accessToken: 't', expiresIn: 864_000 })
      const [pattern, kind] = PATHS.find(([prefix]) => prefix.test(request.path))!
      const rest = request.path.replace(pattern, '').replace(/^\//, '')
      asked.push(`${request.method} ${kind}/${rest.split('?')[0]}`)
      const refused = peers.gateway(request)
      await new Promise<void>((resolve) => void time.schedule(resolve, LATENCY_MS))
      if (refused !== undefined) return refused
      return serve(request, kind, decodeURIComponent(rest.split('?')[0] ?? ''))
    },
  }
  const idField = (kind: Kind) => (kind === 'customer' ? 'customerUid' : kind.endsWith('order') ? 'id' : 'customerId')

  const serve = ({ method, path, body = {}, operation }: TargetRequest, kind: Kind, id: string): HttpAnswer => {
    const rows: Map<string, Body> = stored[kind]
    if (operation === 'list-customers') {
      const query = new URL(path, 'http://x').searchParams
      const size = Number(query.get('pageSize'))
      const linkedTo = query.get('customerExternalId')
      const listed = [...rows.values()].filter(({ externalId }) => linkedTo === null || externalId === linkedTo)
      const items = listed.slice((Number(query.get('pageNumber')) - 1) * size).slice(0, size)
      return answer(200, { items, paging: { totalCount: listed.length } })
    }
    if (id === 'Search') return answer(200, search(body, kind, rows))
    const key = method === 'GET' || (id !== '' && method === 'PUT') ? id : String(body[idField(kind)])
    const row = rows.get(key)
    if (method === 'GET') return row === undefined ? answer(404) : answer(200, row)
    if (operation === 'create-customer') {
      if (row !== undefined) return answer(409)
      rows.set(key, { ...body })
      return answer(201, body)
    }
    if (row === undefined) return answer(404)
    rows.set(key, { ...row, ...body })
    return answer(200)
  }
  const search = ({ take = 100, page = 0, customerIds }: Body, kind: Kind, rows: Map<string, Body>) => {
    const extra = kind === 'B2C' || kind === 'B2B' ? [...ghosts[kind]].map((customerId) => ({ customerId })) : []
    const all: Body[] = [...rows.values(), ...extra]
    const hits = all.filter(
      (row) => customerIds === undefined || (customerIds as string[]).includes(String(row[idField(kind)])),
    )
    const from = Number(page) * Number(take)
    return { result: hits.slice(from, from + Number(take)), totalHits: hits.length }
  }
  return peers
}
