import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

/** What the modes of the stand-ins do not have. */
export interface ListChanges {
  /** The total that a list names, from the right one. */
  readonly total?: (total: number) => number
  /** After a page was made, before it is answered. */
  readonly onPage?: () => void
}

/** Stands in front of a stand-in. Each tenant has a base URL of its own, because a path of Omnium names no tenant. */
export interface ListingProxy {
  urlOf(tenant: string): string
  readonly changes: Map<string, ListChanges>
  /** Where requests go on. */
  upstream: string
  /** How many pages of lists a tenant was asked for. */
  pages(tenant: string): number
  close(): Promise<void>
}

interface Totals {
  paging?: { totalCount: number }
  totalHits?: number
}

export async function startListingProxy(): Promise<ListingProxy> {
  const pages = new Map<string, number>()
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const [, tenant = '', path = ''] = /^\/([^/]+)(\/.*)$/.exec(request.url ?? '') ?? []
    const { host: _host, connection: _connection, 'content-length': _length, ...headers } = request.headers
    const { method = 'GET' } = request
    const body = method === 'GET' ? null : await buffer(request)
    const answered = await fetch(proxy.upstream + path, { method, headers: headers as Record<string, string>, body })
    let text = await answered.text()
    if (answered.ok && ((method === 'GET' && /\/customers\?/.test(path)) || path.endsWith('/Search'))) {
      pages.set(tenant, (pages.get(tenant) ?? 0) + 1)
      const { total, onPage } = proxy.changes.get(tenant) ?? {}
      if (total !== undefined) text = JSON.stringify(counting(JSON.parse(text), total))
      onPage?.()
    }
    response.writeHead(answered.status, { 'content-type': 'application/json' }).end(text)
  }
  const counting = (page: Totals, total: (total: number) => number): Totals => {
    if (page.paging !== undefined) page.paging.totalCount = total(page.paging.totalCount)
    if (page.totalHits !== undefined) page.totalHits = total(page.totalHits)
    return page
  }
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const proxy: ListingProxy = {
    urlOf: (tenant) => `http://127.0.0.1:${(server.address() as AddressInfo).port}/${tenant}`,
    changes: new Map(),
    upstream: '',
    pages: (tenant) => pages.get(tenant) ?? 0,
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
  return proxy
}
