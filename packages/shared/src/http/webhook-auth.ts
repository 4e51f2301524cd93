import { createHmac, hash, timingSafeEqual } from 'node:crypto'

/** What a sender shows of itself. Header names are in lower case, as Node gives them. */
export interface Credentials {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** The query's `key`, decoded; for senders that can set only a URL. */
  readonly key: unknown
}

/** Standard Webhooks: a signature older or newer than this is refused, so that a recorded request can't be sent again. */
const TOLERANCE_MS = 5 * 60_000
const BASE64_SECRET = 'whsec_'
const NONE = Buffer.alloc(0)

const digest = (bytes: Uint8Array) => hash('sha256', bytes, 'buffer')
/** A tenant's secrets are the same ones for every request. */
const digests = new WeakMap<readonly string[], readonly Buffer[]>()
const digestsOf = (secrets: readonly string[]): readonly Buffer[] => {
  const known = digests.get(secrets)
  if (known !== undefined) return known
  const made = secrets.map((secret) => digest(Buffer.from(secret)))
  digests.set(secrets, made)
  return made
}

/**
 * Digests are compared, so that it takes the same time whatever the lengths; and every pair, so that the time tells nothing
 * about which secret, or whether any, came close.
 */
function anySame(shown: readonly Uint8Array[], expected: readonly Buffer[]): boolean {
  let found = false
  for (const each of shown) {
    // An empty credential must never meet an empty secret, such as a secret file that was truncated.
    if (each.length === 0) continue
    const its = digest(each)
    for (const secret of expected) found = timingSafeEqual(its, secret) || found
  }
  return found
}

const headerOf = (credentials: Credentials, name: string): string | undefined => {
  const value = credentials.headers[name]
  return typeof value === 'string' ? value : undefined
}

/** Node decodes header bytes as latin1; a secret in UTF-8 is compared by the bytes that were sent. */
const sentBytes = (text: string) => Buffer.from(text, 'latin1')

function authorizationOf(credentials: Credentials): Buffer {
  const [, scheme, value] = /^(Bearer|Basic) +(\S.*)$/i.exec(headerOf(credentials, 'authorization')?.trim() ?? '') ?? []
  if (scheme === undefined || value === undefined) return NONE
  if (scheme.toLowerCase() === 'bearer') return sentBytes(value)
  const userAndPassword = Buffer.from(value, 'base64')
  const colon = userAndPassword.indexOf(':')
  return colon === -1 ? NONE : userAndPassword.subarray(colon + 1)
}

function keysOf({ key }: Credentials): Buffer[] {
  if (typeof key !== 'string') return []
  // A base64 secret that was pasted into a URL unencoded has its `+` read as a space.
  return [Buffer.from(key), ...(key.includes(' ') ? [Buffer.from(key.replaceAll(' ', '+'))] : [])]
}

/** One of the secrets stands in `Authorization: Bearer`, as the password of Basic, or in the query's `key`. */
export function showsSecret(credentials: Credentials, secrets: readonly string[]): boolean {
  return anySame([authorizationOf(credentials), ...keysOf(credentials)], digestsOf(secrets))
}

interface Signed {
  readonly id: string
  readonly timestamp: string
  readonly signatures: readonly string[]
}

function signedOf(credentials: Credentials, now: number): Signed | null {
  const id = headerOf(credentials, 'webhook-id')
  const timestamp = headerOf(credentials, 'webhook-timestamp')
  const signatures = headerOf(credentials, 'webhook-signature')
  if (!id || !timestamp || !signatures || !/^\d{1,12}$/.test(timestamp)) return null
  if (Math.abs(now - Number(timestamp) * 1000) > TOLERANCE_MS) return null
  return { id, timestamp, signatures: signatures.split(' ') }
}

/** Carries a Standard Webhooks signature of our time, which only the body can confirm. */
export const isSigned = (credentials: Credentials, now: number): boolean => signedOf(credentials, now) !== null

const signingKey = (secret: string) =>
  secret.startsWith(BASE64_SECRET) ? Buffer.from(secret.slice(BASE64_SECRET.length), 'base64') : Buffer.from(secret)

/** One of the signatures (`v1,<base64>`) is the HMAC-SHA256 of id, timestamp and the body as it was sent. */
export function hasValidSignature(
  credentials: Credentials,
  body: Uint8Array,
  secrets: readonly string[],
  now: number,
): boolean {
  const signed = signedOf(credentials, now)
  if (signed === null) return false
  const keys = secrets.map(signingKey).filter((key) => key.length > 0)
  const content = Buffer.concat([sentBytes(`${signed.id}.${signed.timestamp}.`), body])
  const expected = keys.map((key) => Buffer.from(`v1,${createHmac('sha256', key).update(content).digest('base64')}`))
  return anySame(signed.signatures.map(sentBytes), expected.map(digest))
}
