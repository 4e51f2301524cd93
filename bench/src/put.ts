import { Client, type Dispatcher } from 'undici'

/** PUTs JSON on up to `connections` kept-alive connections, one request at a time on each. */
export interface Putter {
  /** Rejects on a failed request and on any answer that is not 2xx. */
  put(path: string, body: Buffer): Promise<void>
  close(): Promise<void>
}

/**
 * A list of free clients in place of undici's Pool, which looks at every one of its connections for each request: with 500
 * that cost more than the request. Nobody may call for more than `connections` at once.
 */
export function createPutter(origin: string, connections: number): Putter {
  const clients = Array.from({ length: connections }, () => new Client(origin, { pipelining: 1 }))
  const free = [...clients]
  return {
    put(path, body) {
      const client = free.pop()
      if (client === undefined) return Promise.reject(new Error(`more than ${connections} requests at once`))
      return new Promise((resolve, reject) => {
        let status = 0
        const handler: Dispatcher.DispatchHandler = {
          onRequestStart() {},
          onResponseStart(_controller, statusCode) {
            status = statusCode
          },
          onResponseData() {},
          onResponseEnd() {
            free.push(client)
            if (status >= 200 && status < 300) resolve()
            else reject(new Error(`the sink answered ${status}`))
          },
          onResponseError(_controller, error) {
            free.push(client)
            reject(error)
          },
        }
        client.dispatch({ method: 'PUT', path, headers: HEADERS, body }, handler)
      })
    },
    close: async () => void (await Promise.all(clients.map((client) => client.close()))),
  }
}

const HEADERS = ['content-type', 'application/json']
