import { createHmac } from 'node:crypto'

/** How a delivery proves itself. `signature` is Standard Webhooks; `key` goes into the URL as `?key=`. */
export interface WebhookAuth {
  readonly kind: 'none' | 'bearer' | 'basic' | 'signature' | 'key'
  readonly secret?: string | undefined
  /** `basic` only. */
  readonly username?: string | undefined
}

export interface WebhookTarget {
  readonly url: string
  readonly auth: WebhookAuth
}

/** The URL and headers of one attempt. `id` stays the same through the attempts of a delivery. */
export function signedRequest(
  target: WebhookTarget,
  message: { readonly id: string; readonly timestampSeconds: number; readonly body: string },
): { url: string; headers: Record<string, string> } {
  const { auth } = target
  const secret = auth.secret ?? ''
  const headers: Record<string, string> = { 'content-type': 'application/json' }
  if (auth.kind === 'bearer') headers.authorization = `Bearer ${secret}`
  if (auth.kind === 'basic') {
    headers.authorization = `Basic ${Buffer.from(`${auth.username ?? 'webhook'}:${secret}`).toString('base64')}`
  }
  if (auth.kind === 'signature') {
    headers['webhook-id'] = message.id
    headers['webhook-timestamp'] = String(message.timestampSeconds)
    headers['webhook-signature'] = `v1,${signature(secret, message)}`
  }
  if (auth.kind !== 'key') return { url: target.url, headers }
  const url = new URL(target.url)
  url.searchParams.set('key', secret)
  return { url: url.href, headers }
}

function signature(secret: string, message: { id: string; timestampSeconds: number; body: string }): string {
  const prefix = 'whsec_'
  const key = secret.startsWith(prefix) ? Buffer.from(secret.slice(prefix.length), 'base64') : Buffer.from(secret)
  return createHmac('sha256', key).update(`${message.id}.${message.timestampSeconds}.${message.body}`).digest('base64')
}
