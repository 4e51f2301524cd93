import { Agent, type Dispatcher, EnvHttpProxyAgent } from 'undici'

export interface Dispatchers {
  of(url: URL): Dispatcher
  /** Closes all connections; requests under way fail. */
  close(): Promise<void>
}

export interface DispatchersOptions {
  readonly connectTimeoutMs: number
  /** Overrides HTTP_PROXY, HTTPS_PROXY and NO_PROXY of the environment. */
  readonly proxy?: { readonly httpProxy?: string; readonly httpsProxy?: string; readonly noProxy?: string }
}

/**
 * Connections, pooled per origin and kept alive; through the environment's proxy, but never for loopback hosts. A
 * connection carries one HTTP/1.1 request at a time, and their number is bounded by the rate limiter alone: a request
 * that waited for a connection here would have passed the fence long ago.
 */
export function createDispatchers({ connectTimeoutMs, proxy = {} }: DispatchersOptions): Dispatchers {
  const options = {
    connect: { timeout: connectTimeoutMs },
    allowH2: false,
    pipelining: 1,
    // The base layer's deadline covers both.
    headersTimeout: 0,
    bodyTimeout: 0,
  }
  const direct = new Agent(options)
  let proxied: EnvHttpProxyAgent | undefined
  return {
    of(url) {
      if (isLoopback(url.hostname)) return direct
      proxied ??= new EnvHttpProxyAgent({ ...options, ...proxy })
      return proxied
    },
    async close() {
      await Promise.all([direct.destroy(), proxied?.destroy()])
    },
  }
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '[::1]' || host.endsWith('.localhost') || /^127\.\d+\.\d+\.\d+$/.test(host)
