import { createHmac } from 'node:crypto'

export interface Answer {
  readonly status: number
  readonly retryAfter: string | null
  readonly tookMs: number
}

/** A sender's POST. A failure of the connection has status 0: the sender would try again. */
export async function postWebhook(
  url: string,
  body: string | Buffer,
  headers: Record<string, string>,
): Promise<Answer> {
  const startedAt = performance.now()
  const took = () => performance.now() - startedAt
  try {
    const answer = await fetch(url, {
      method: 'POST',
      body: body as string,
      headers,
      signal: AbortSignal.timeout(30_000),
    })
    await answer.arrayBuffer()
    return { status: answer.status, retryAfter: answer.headers.get('retry-after'), tookMs: took() }
  } catch {
    return { status: 0, retryAfter: null, tookMs: took() }
  }
}

export const flowEvent = (uid: string, action = 'CUSTOMER_UPDATE'): string =>
  JSON.stringify({ action, tenant: { Id: 7, Uid: '7' }, customer: { Id: 32, Uid: uid } })
export const omniumEvent = (objectId: string, className = 'PrivateCustomer'): string =>
  JSON.stringify({ timestamp: new Date().toISOString(), className, objectId, category: 'Updated', user: 'somebody' })

/** The headers of a Standard Webhooks signature, by a secret as its bytes. */
export function signed(key: Buffer, body: string, atSeconds = Math.floor(Date.now() / 1000), id = 'msg_1') {
  const signature = createHmac('sha256', key).update(`${id}.${atSeconds}.${body}`).digest('base64')
  return { 'webhook-id': id, 'webhook-timestamp': String(atSeconds), 'webhook-signature': `v1,${signature}` }
}

/** How many of each status, in order: `{202: 3, 503: 1}`. */
export const statuses = (answers: readonly Answer[]): Record<number, number> =>
  Object.fromEntries(
    [...Map.groupBy(answers, ({ status }) => status)].map(([status, all]) => [status, all.length]).sort(),
  )
