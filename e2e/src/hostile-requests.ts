/** One hostile webhook, as the bytes of a request or as a way to send them. */
export interface Hostile {
  readonly what: string
  /** Raw bytes, sent in pieces with a pause between them. */
  readonly pieces: readonly Buffer[]
  /** What the sender does after its last piece: waits for the answer, ends its side, or cuts the connection. */
  readonly ending: 'wait' | 'half-close' | 'reset'
}

type Random = () => number

const SECRET = 'a-webhook-secret'
const MAX_BODY = 65_536

/** Requests that mean harm, by chance: the same ones for the same `random`. `path` is that of a tenant's webhooks. */
export function hostileRequest(random: Random, path: string, ids: () => string): Hostile {
  const pick = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)]!
  const bodyKind = pick(Object.keys(BODIES))
  const headKind = pick(Object.keys(HEADS))
  const pathKind = random() < 0.75 ? 'the tenant' : pick(Object.keys(PATHS))
  const body = BODIES[bodyKind]!(random, ids)
  const head = HEADS[headKind]!(body, random)
  const target = pathKind === 'the tenant' ? path : PATHS[pathKind]!(path)
  const method = random() < 0.95 ? 'POST' : pick(['GET', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'BREW'])
  const start = Buffer.from(`${method} ${target} HTTP/1.1\r\nHost: x\r\n${head.lines.join('\r\n')}\r\n\r\n`, 'latin1')
  const whole = Buffer.concat([start, head.body])
  const cut = random()
  const ending = cut < 0.9 ? 'wait' : cut < 0.95 ? 'half-close' : 'reset'
  const at = random() < 0.1 ? Math.floor(random() * whole.length) : null
  return {
    what: `${method} ${bodyKind}, ${headKind}, ${pathKind}, ${ending}`,
    pieces: at === null ? [whole] : [whole.subarray(0, at), whole.subarray(at)],
    ending,
  }
}

const text = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
const event = (uid: unknown, more: object = {}) => ({
  ...{ action: 'CUSTOMER_UPDATE', customer: { Id: 1, Uid: uid } },
  ...{ className: 'PrivateCustomer', objectId: uid, category: 'Updated' },
  ...more,
})
const nested = (depth: number, open: string, close: string) => open.repeat(depth) + close.repeat(depth)

/** `ids` gives an id that no other request has. */
const BODIES: Record<string, (random: Random, ids: () => string) => Buffer> = {
  'a good event': (_random, ids) => text(event(ids())),
  'no body': () => Buffer.alloc(0),
  'half a JSON': (_random, ids) => text(event(ids())).subarray(0, 20),
  'deep arrays': () => text(nested(30_000, '[', ']')),
  'deep objects': () =>
    text(`{"action":"CUSTOMER_UPDATE","customer":${nested(8_000, '{"a":', '}').replace('{"a":}', '{}')}}`),
  'deep beside the id': (_random, ids) =>
    text(
      `{"className":"PrivateCustomer","action":"CUSTOMER_UPDATE","objectId":"${ids()}","x":${nested(20_000, '[', ']')}}`,
    ),
  'a prototype': (_random, ids) =>
    text(`{"__proto__":{"action":"X"},"constructor":{"prototype":{"x":1}},${text(event(ids())).toString().slice(1)}`),
  'an own __proto__ alone': () => text('{"__proto__":{"action":"CUSTOMER_UPDATE","className":"Order"}}'),
  'a list': () => text([event('1')]),
  'a string': () => text('"CUSTOMER_UPDATE"'),
  null: () => text('null'),
  'a number beyond doubles': () => text('1e999'),
  'numbers beyond doubles': () =>
    text('{"action":"CUSTOMER_UPDATE","customer":{"Uid":1e999},"className":"Order","objectId":1e999}'),
  'an id that is rounded': () => text(event(9_007_199_254_740_992)),
  'an id that is a fraction': () => text(event(1.5)),
  'an id that is an object': () => text(event({ toString: 'x', valueOf: 1 })),
  'an id of 60 KiB': (_random, ids) => text(event(ids().padEnd(60_000, 'x'))),
  'an id with line breaks': (_random, ids) => text(event(`${ids()}\r\nX-Evil: 1\r\n\r\n`)),
  'an id that climbs': (_random, ids) => text(event(`../../${ids()}/%2e%2e/%00?x=1#y`)),
  'an id with NUL and controls': (_random, ids) => text(event(`${ids()}\u0000\u0007\u001b[2J\u202e`)),
  'an id beyond the plane': (_random, ids) => text(event(`${ids()}:æ😀`)),
  'an id that is half a surrogate': () =>
    text('{"action":"CUSTOMER_UPDATE","customer":{"Uid":"\\ud800"},"className":"Order","objectId":"\\ud800"}'),
  'an empty id': () => text(event('')),
  'an action of 60 KiB': (_random, ids) =>
    text(event(ids(), { action: 'CUSTOMER_'.padEnd(30_000, 'X'), className: 'x'.repeat(30_000) })),
  'users that are many': (_random, ids) =>
    text(event(ids(), { tenantUser: { Uid: ['x'], Id: {} }, user: [], userId: {} })),
  'bytes that are no UTF-8': (random) => Buffer.from(Array.from({ length: 500 }, () => Math.floor(random() * 256))),
  'UTF-16': (_random, ids) => Buffer.from(`\ufeff${JSON.stringify(event(ids()))}`, 'utf16le'),
  'a BOM': (_random, ids) => Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), text(event(ids()))]),
  'NULs behind it': (_random, ids) => Buffer.concat([text(event(ids())), Buffer.alloc(100)]),
  'one byte too many': (_random, ids) => text(JSON.stringify(event(ids())).padEnd(MAX_BODY + 1, ' ')),
  'a megabyte': () => Buffer.alloc(1_000_000, 0x20),
  'many keys': (_random, ids) =>
    text(event(ids(), Object.fromEntries(Array.from({ length: 3_000 }, (_, i) => [`k${i}`, i])))),
  'the same key often': () => text(`{${'"action":"CUSTOMER_UPDATE",'.repeat(2_000)}"customer":{"Uid":""}}`),
}

interface Head {
  readonly lines: readonly string[]
  readonly body: Buffer
}
const bearer = `Authorization: Bearer ${SECRET}`
const lengthOf = (body: Buffer) => `Content-Length: ${body.length}`
const plain =
  (...more: string[]) =>
  (body: Buffer): Head => ({ lines: [bearer, lengthOf(body), 'Connection: close', ...more], body })
const chunks = (body: Buffer) =>
  Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from('\r\n0\r\n\r\n')])

const HEADS: Record<string, (body: Buffer, random: Random) => Head> = {
  'as it should be': plain('Content-Type: application/json'),
  'no content type': plain(),
  'a strange content type': plain('Content-Type: ;;=,\u00ff'),
  'two content types': plain('Content-Type: text/xml', 'Content-Type: application/json'),
  'gzip that is none': plain('Content-Encoding: gzip'),
  'a trace that is none': plain('traceparent: 00-zz-1-1', 'tracestate: x'),
  'two traces': plain(
    `traceparent: 00-${'1'.repeat(32)}-${'1'.repeat(16)}-01`,
    `traceparent: 00-${'2'.repeat(32)}-${'2'.repeat(16)}-01`,
  ),
  chunks: (body) => ({
    lines: [bearer, 'Transfer-Encoding: chunked', 'Connection: close'],
    body: body.length === 0 ? Buffer.from('0\r\n\r\n') : chunks(body),
  }),
  'chunks that lie': (body) => ({
    lines: [bearer, 'Transfer-Encoding: chunked', 'Connection: close'],
    body: Buffer.concat([Buffer.from('zz\r\n'), body]),
  }),
  'a length and chunks': (body) => ({
    lines: [bearer, lengthOf(body), 'Transfer-Encoding: chunked', 'Connection: close'],
    body: chunks(body),
  }),
  'a length too short': (body) => ({
    lines: [bearer, `Content-Length: ${Math.max(0, body.length - 5)}`, 'Connection: close'],
    body,
  }),
  'a negative length': (body) => ({ lines: [bearer, 'Content-Length: -1'], body }),
  'two lengths': (body) => ({ lines: [bearer, lengthOf(body), 'Content-Length: 1'], body }),
  'no secret': (body) => ({ lines: [lengthOf(body), 'Connection: close'], body }),
  'a wrong secret': (body) => ({
    lines: [`Authorization: Bearer ${'x'.repeat(5_000)}`, lengthOf(body), 'Connection: close'],
    body,
  }),
  'two secrets': (body) => ({
    lines: ['Authorization: Bearer wrong', bearer, lengthOf(body), 'Connection: close'],
    body,
  }),
  'a broken Basic': (body) => ({ lines: ['Authorization: Basic ====', lengthOf(body), 'Connection: close'], body }),
  'a broken signature': (body) => ({
    lines: [
      'webhook-id: 1',
      `webhook-timestamp: ${Math.floor(Date.now() / 1000)}`,
      `webhook-signature: v1,${'A'.repeat(3_000)} v2 ,`,
      lengthOf(body),
      'Connection: close',
    ],
    body,
  }),
  'a signature of another age': (body) => ({
    lines: [
      'webhook-id: 1',
      'webhook-timestamp: 99999999999999999999',
      'webhook-signature: v1,',
      lengthOf(body),
      'Connection: close',
    ],
    body,
  }),
  'many headers': (body, random) => plain(...Array.from({ length: 300 }, (_, i) => `x-${i}: ${random()}`))(body),
  'a large header': (body) => plain(`x-large: ${'x'.repeat(30_000)}`)(body),
  'expecting to continue': plain('Expect: 100-continue'),
  'expecting something else': plain('Expect: the-inquisition'),
  'an upgrade': plain('Upgrade: websocket', 'Connection: upgrade'),
  'a method behind its back': plain('X-HTTP-Method-Override: DELETE'),
  'two requests at once': (body) => ({
    lines: [bearer, lengthOf(body)],
    body: Buffer.concat([
      body,
      Buffer.from(
        `POST /webhooks/flow/acme-no HTTP/1.1\r\nHost: x\r\n${bearer}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}`,
      ),
    ]),
  }),
}

const PATHS: Record<string, (path: string) => string> = {
  'a prototype for a tenant': (path) => path.replace(/[^/]+$/, '__proto__'),
  'a constructor for a tenant': (path) => path.replace(/[^/]+$/, 'constructor'),
  'a tenant that climbs': (path) => `${path}/../%2e%2e/${'%2f'.repeat(20)}`,
  'a long tenant': (path) => path.replace(/[^/]+$/, 'x'.repeat(10_000)),
  'broken escapes': (path) => `${path}%zz%`,
  'an absolute address': (path) => `http://evil.example${path}`,
  'a wrong key': (path) => `${path}?key=${'%00'.repeat(200)}`,
  'two keys': (path) => `${path}?key=a&key=${SECRET}&key[]=x&__proto__[x]=1`,
  'no path': () => '*',
  'the admin server': () => '/metrics',
}
