import type { SchemaRegistry } from '@kafkajs/confluent-schema-registry'
import { SyncError } from '../errors.ts'
import { isUntrusted } from '../untrusted.ts'

export interface RegistryAddress {
  /** The base URL of the Confluent API, without a slash at its end. */
  readonly registryUrl: string
  readonly username?: string | undefined
  readonly password?: string | undefined
  /** Of one request; 5 s unless told. */
  readonly timeoutMs?: number
}

/**
 * One request to the registry; its JSON answer. Throws SyncError: `registry-unavailable` when it wasn't reached in time,
 * is in trouble or refuses our credentials, `contract-violation` with the registry's own words and `status` otherwise.
 * `body` is JSON text.
 */
export type RegistryRequest = (method: string, path: string, body?: string) => Promise<unknown>

type ClientSettings = ConstructorParameters<typeof SchemaRegistry>[0]

export function createRegistryRequest(address: RegistryAddress): RegistryRequest {
  const { registryUrl, username, password, timeoutMs = 5_000 } = address
  const headers: Record<string, string> = { accept: 'application/json' }
  if (username !== undefined && password !== undefined) {
    headers.authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
  }
  return async (method, path, body) => {
    const what = `asking the schema registry (${method} ${path})`
    const answer = await send(`${registryUrl}${path}`, {
      method,
      headers: body === undefined ? headers : { ...headers, 'content-type': 'application/vnd.schemaregistry.v1+json' },
      ...(body !== undefined && { body }),
      signal: AbortSignal.timeout(timeoutMs),
    }).catch((error: unknown) => {
      throw new SyncError('registry-unavailable', `${what}: ${reasonOf(error)}`, { cause: error })
    })
    if (answer.status >= 200 && answer.status < 300 && answer.json !== undefined) return answer.json
    const said = messageOf(answer.json)
    const code = codeOf(answer)
    // A 404 that isn't the registry's own must not pass for "not registered", which is what the client looks for.
    const status = code === 'registry-unavailable' && answer.status === 404 ? {} : { status: answer.status }
    throw new SyncError(code, `${what}: ${answer.status}${said ? ` ${said}` : ''}`, status)
  }
}

interface Answer {
  readonly status: number
  /** undefined: the body is no JSON. */
  readonly json: unknown
}

async function send(url: string, init: RequestInit): Promise<Answer> {
  const response = await fetch(url, init)
  const text = await response.text()
  try {
    return { status: response.status, json: JSON.parse(text) }
  } catch {
    return { status: response.status, json: undefined }
  }
}

/** Only an answer in the registry's own form says something about a schema; anything else is a proxy, or trouble. */
function codeOf({ status, json }: Answer): 'registry-unavailable' | 'contract-violation' {
  const refused = status === 404 || status === 409 || status === 422
  return refused && json !== undefined ? 'contract-violation' : 'registry-unavailable'
}

const messageOf = (json: unknown): string | undefined =>
  typeof json === 'object' && json !== null && 'message' in json ? String(json.message) : undefined

function reasonOf(error: unknown): string {
  const { name, message, cause } = error as Error
  if (name === 'TimeoutError') return 'no answer in time'
  const code = (cause as { code?: unknown } | undefined)?.code
  if (isUntrusted(code)) return `${code} (its authority is not trusted here: NODE_EXTRA_CA_CERTS)`
  return typeof code === 'string' ? code : message
}

/**
 * Settings that let the registry client speak through `request`. Its own transport has no deadline, calls an unreachable
 * registry a 400, and waits for ever for an answer that broke off, and with it every later decode of that schema.
 */
export function clientSettings(address: RegistryAddress, request: RegistryRequest): ClientSettings {
  return {
    host: address.registryUrl,
    // The last middleware is the outermost: nothing of the client's own transport, retries and errors runs.
    middlewares: [
      () => ({
        response: async (_next, _renew, sent) => {
          const body = sent.body()
          const json = await request(
            sent.method().toUpperCase(),
            sent.path(),
            typeof body === 'string' ? body : undefined,
          )
          return { data: () => json } as never
        },
      }),
    ],
  }
}
