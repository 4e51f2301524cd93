import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { incompatibilities } from '../contracts/compatibility.ts'

/** A schema registry with state, on loopback, that speaks the part of the Confluent API that is used here. */
export interface FakeRegistry {
  readonly url: string
  /** `METHOD path` of every request, in order. */
  readonly requests: readonly string[]
  /** Authorization headers as they came. */
  readonly credentials: ReadonlySet<string>
  /** The compatibility level of each subject that has one. */
  readonly levels: Map<string, string>
  /** Registers without any check; returns the id. */
  add(subject: string, schema: unknown, schemaType?: string): number
  /** Forgets every schema, as a registry does that lost its disk. Answers what brings them back. */
  wipe(): () => void
  /** Once, after the next answer. */
  afterNext(act: () => void): void
  /** Answers with this until told `null`: a status, or nothing at all (`hang`), or half an answer (`break`). */
  fail(how: number | 'hang' | 'break' | null): void
  close(): Promise<void>
}

interface Version {
  readonly id: number
  readonly schema: string
  readonly schemaType: string
}

export async function startFakeRegistry(): Promise<FakeRegistry> {
  const subjects = new Map<string, Version[]>()
  const levels = new Map<string, string>()
  const requests: string[] = []
  const credentials = new Set<string>()
  let failing: number | 'hang' | 'break' | null = null
  let lastId = 0
  let next: (() => void) | null = null

  const add = (subject: string, schema: string, schemaType = 'JSON'): number => {
    const versions = subjects.get(subject) ?? []
    const id = versions.find((version) => version.schema === schema)?.id ?? ++lastId
    if (!versions.some((version) => version.id === id)) subjects.set(subject, [...versions, { id, schema, schemaType }])
    return id
  }

  const register = (subject: string, body: string): [number, object] => {
    const { schema } = JSON.parse(body) as { schema: string }
    const versions = subjects.get(subject) ?? []
    const latest = versions.at(-1)
    const known = versions.some((version) => version.schema === schema)
    if (latest && !known && levels.get(subject) === 'BACKWARD') {
      const problems = incompatibilities(JSON.parse(latest.schema), JSON.parse(schema))
      if (problems.length > 0) return [409, { error_code: 409, message: `incompatible: ${problems.join(', ')}` }]
    }
    return [200, { id: add(subject, schema) }]
  }

  const answer = (method: string, path: string, body: string): [number, object] => {
    const [kind, name = '', versions] = path.slice(1).split('/')
    if (kind === 'schemas') {
      const found = [...subjects.values()].flat().find(({ id }) => String(id) === versions)
      return found ? [200, found] : notFound(40403)
    }
    if (kind === 'config' && method === 'PUT') {
      levels.set(name, (JSON.parse(body) as { compatibility: string }).compatibility)
      return [200, JSON.parse(body)]
    }
    if (!subjects.has(name) && !(method === 'POST' && versions)) return notFound(40401)
    if (kind === 'config') return [200, { compatibilityLevel: levels.get(name) ?? 'NONE' }]
    if (versions) return register(name, body)
    const found = subjects.get(name)?.find(({ schema }) => schema === (JSON.parse(body) as Version).schema)
    return found ? [200, found] : notFound(40403)
  }

  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const body = await text(request)
    requests.push(`${request.method} ${request.url}`)
    if (request.headers.authorization) credentials.add(request.headers.authorization)
    if (failing === 'hang') return
    if (failing === 'break') {
      response.writeHead(200, { 'content-length': 100 })
      response.write('{')
      response.flushHeaders()
      setImmediate(() => response.destroy())
      return
    }
    const [status, json] = failing ? [failing, undefined] : answer(request.method ?? '', request.url ?? '', body)
    response.writeHead(status, { 'content-type': 'application/json' })
    const act = next
    next = null
    act?.()
    response.end(json === undefined ? '<html>trouble</html>' : JSON.stringify(json))
  }

  const server = createServer((request, response) => void serve(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    credentials,
    levels,
    add: (subject, schema, schemaType) => add(subject, JSON.stringify(schema), schemaType),
    wipe: () => {
      const before = { subjects: [...subjects], levels: [...levels] }
      subjects.clear()
      levels.clear()
      return () => {
        for (const [name, versions] of before.subjects) subjects.set(name, versions)
        for (const [name, level] of before.levels) levels.set(name, level)
      }
    },
    afterNext: (act) => {
      next = act
    },
    fail: (how) => {
      failing = how
    },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

const notFound = (error_code: number): [number, object] => [404, { error_code, message: 'not found' }]
