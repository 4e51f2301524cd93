import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { aCall } from '../testing/builders.ts'
import { sendJson, startHttpServer } from '../testing/http-server.ts'
import { createBase } from './base.ts'
import { createDispatchers } from './dispatchers.ts'
import { afterDelay } from './schedule.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** A client whose environment names a proxy that refuses every tunnel. */
const setUp = async () => {
  const tunnels: string[] = []
  const proxy = createServer().on('connect', (request, socket) => {
    tunnels.push(request.url ?? '')
    socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n')
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  closing.push(() => proxy.close())
  const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
  const dispatchers = createDispatchers({
    connectTimeoutMs: 10_000,
    proxy: { httpProxy: url, httpsProxy: url, noProxy: '' },
  })
  closing.push(dispatchers.close)
  const send = createBase({
    deadlineMs: 10_000,
    maxAnswerBytes: 1_000,
    userAgent: 'test',
    dispatcherOf: dispatchers.of,
    schedule: afterDelay,
  })
  const get = (baseUrl: string) =>
    send({ target: 'flow', operation: 'update-customer', method: 'PUT', baseUrl, path: '/', body: {}, call: aCall() })
  return { tunnels, get }
}

describe('connections', () => {
  it('to other hosts go through the proxy; when it refuses, nothing was sent', async () => {
    const { get, tunnels } = await setUp()

    await expect(get('https://flow.example')).rejects.toMatchObject({ code: 'target-unreachable', unknownEnd: false })

    expect(tunnels).toEqual(['flow.example:443'])
  })

  it('to loopback hosts are direct', async () => {
    const { get, tunnels } = await setUp()
    const server = await startHttpServer((_request, response) => sendJson(response, 200, {}))
    closing.push(server.close)

    expect(await get(server.url)).toMatchObject({ status: 200 })
    expect(tunnels).toEqual([])
  })
})
