export interface Answer {
  readonly status: number
  readonly headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: tests read answers field by field
  readonly body: any
}

export type Caller = (method: string, path: string, body?: unknown, token?: string) => Promise<Answer>

/** JSON requests to one server for tests, with this bearer token unless another is given (`''`: none). */
export function createCaller(url: string, bearer = ''): Caller {
  return async (method, path, body, token = bearer) => {
    const headers = new Headers()
    if (token !== '') headers.set('authorization', `Bearer ${token}`)
    if (body !== undefined) headers.set('content-type', 'application/json')
    const answer = await fetch(url + path, { method, headers, body: body === undefined ? null : JSON.stringify(body) })
    const text = await answer.text()
    const isJson = answer.headers.get('content-type')?.includes('json') ?? false
    return { status: answer.status, headers: answer.headers, body: isJson ? JSON.parse(text) : text }
  }
}

/** Ids that must come through a path unchanged, whatever they hold. */
export const TRICKY_IDS = [
  'ada@example.com',
  '+47 900 00 000',
  '100%',
  'a/b',
  '%2F',
  '%252F',
  'æ√😀',
  'a?b#c;d',
  'a%40b',
]
