import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Received {
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

/** A receiver of webhooks for tests. `answer` gives the status of each request (counted from 0), null never answers. */
export interface Receiver {
  readonly url: string
  readonly received: readonly Received[]
  close(): void
}

export async function createReceiver(answer: (index: number) => number | null = () => 202): Promise<Receiver> {
  const received: Received[] = []
  const server = createServer((request, response) => {
    let text = ''
    request.setEncoding('utf8')
    request.on('data', (chunk: string) => {
      text += chunk
    })
    request.on('end', () => {
      const status = answer(received.length)
      received.push({ url: request.url ?? '', headers: request.headers, text })
      if (status !== null) response.writeHead(status).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    received,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}
