import { z } from 'zod'
import { backoffAtLeastHalf } from '../backoff.ts'
import { codeOfStatus, SyncError } from '../errors.ts'
import { NOT_FOUND, readJson, requireAnswer } from '../http/answer.ts'
import type { Credentials } from '../http/auth.ts'
import type { Call } from '../http/call.ts'
import { isHtmlResponse } from '../http/html-response.ts'
import { query } from '../http/path.ts'
import { copyOf, failureOf, type Send, statusText, type TargetRequest } from '../http/request.ts'
import type { Tenant, Tenants } from '../tenants.ts'
import { unlessAborted } from '../unless-aborted.ts'

/** A lifetime that is none counts as not told. */
const TokenAnswer = z.looseObject({
  accessToken: z.string().min(1),
  expiresIn: z.coerce.number().positive().nullish().catch(null),
})

export interface OmniumCredentialsOptions {
  /** Sends without the circuit and the rate limit's queue. */
  readonly send: Send
  readonly now: () => number
  readonly random: () => number
}

export interface OmniumCredentials extends Credentials {
  /** Forgets the tokens of tenants that are no more. */
  tenantsChanged(tenants: Tenants): void
}

interface Token {
  readonly text: string
  /** From then on a new one is fetched while this one is still used. */
  readonly refreshAtMs: number
  readonly expiresAtMs: number
}
interface Account {
  readonly clientId: string
  readonly clientSecret: string
  token: Token | null
  /** The fetch under way, shared by all who need it. */
  fetching: Promise<Token> | null
  failures: number
  /** A failed refresh ahead of time isn't repeated before then. */
  quietUntilMs: number
}

const DEFAULT_LIFETIME_S = 3_600
/** A tenth of the lifetime ahead of its end, but at most that. */
const MAX_AHEAD_MS = 600_000
const QUIET = { baseMs: 5_000, capMs: 60_000 }

/**
 * Omnium's tokens, one for each tenant, fetched once and shared; refreshed ahead of their end without anybody waiting, and
 * once when one is refused. Source: docs.omnium.no, API developer guide.
 */
export function createOmniumCredentials({ send, now, random }: OmniumCredentialsOptions): OmniumCredentials {
  const accounts = new Map<string, Account>()

  const accountOf = ({ uid, omnium: { clientId, clientSecret } }: Tenant): Account => {
    const known = accounts.get(uid)
    if (known?.clientId === clientId && known.clientSecret === clientSecret) return known
    const account = { clientId, clientSecret, token: null, fetching: null, failures: 0, quietUntilMs: 0 }
    accounts.set(uid, account)
    return account
  }

  const fetchToken = (account: Account, tenant: Tenant): Promise<Token> => {
    account.fetching ??= requestToken(send, tenant, now)
      .then((token) => {
        account.failures = 0
        account.token = token
        return token
      })
      .catch((error: unknown) => {
        account.quietUntilMs = now() + backoffAtLeastHalf(account.failures++, { ...QUIET, random })
        throw error
      })
      .finally(() => {
        account.fetching = null
      })
    return account.fetching
  }

  return {
    async token(call) {
      const account = accountOf(call.tenant)
      const { token } = account
      const at = now()
      if (token === null || at >= token.expiresAtMs) return (await shared(fetchToken(account, call.tenant), call)).text
      // Its failure shows when the token in hand is used up.
      if (at >= token.refreshAtMs && at >= account.quietUntilMs) fetchToken(account, call.tenant).catch(() => {})
      return token.text
    },
    async renew(call, refused) {
      const account = accountOf(call.tenant)
      // Those whose 401 comes later find the new token here already.
      if (account.token !== null && account.token.text !== refused) return account.token.text
      account.token = null
      return (await shared(fetchToken(account, call.tenant), call)).text
    },
    tenantsChanged(tenants) {
      for (const uid of accounts.keys()) if (tenants.get(uid) === undefined) accounts.delete(uid)
    },
  }
}

/** The fetch is everybody's: a call that is aborted leaves it alone. It ends by its own deadline. */
async function shared(fetching: Promise<Token>, { signal, tenant }: Call): Promise<Token> {
  const token = await unlessAborted(fetching, signal).catch((error: unknown) => {
    throw error instanceof SyncError ? copyOf(error) : error
  })
  if (token !== null) return token
  throw new SyncError('aborted', 'fetching a token from omnium: aborted', { target: 'omnium', tenant: tenant.uid })
}

async function requestToken(send: Send, tenant: Tenant, now: () => number): Promise<Token> {
  const { baseUrl, clientId, clientSecret } = tenant.omnium
  const request: TargetRequest = {
    target: 'omnium',
    operation: 'token',
    method: 'POST',
    baseUrl,
    path: `/api/token${query({ clientId, clientSecret, returnAsJson: 'true' })}`,
    call: { tenant, key: '', signal: new AbortController().signal, fence: () => {} },
  }
  const askedAt = now()
  const answer = await send(request)
  // Whatever is wrong with the credentials is nobody's record's fault; without its status, which could make it an object's.
  const code = codeOfStatus(answer.status)
  const isRefused = code === 'target-unauthorized' || code === 'target-refused'
  if (isRefused && !NOT_FOUND.includes(answer.status) && !isHtmlResponse(answer)) {
    throw failureOf(request, 'target-unauthorized', statusText(answer.status))
  }
  requireAnswer(request, answer, [], now())
  const { accessToken, expiresIn } = readJson(request, answer, TokenAnswer)
  const lifetimeMs = (expiresIn ?? DEFAULT_LIFETIME_S) * 1000
  return {
    text: accessToken,
    expiresAtMs: askedAt + lifetimeMs,
    refreshAtMs: askedAt + lifetimeMs - Math.min(MAX_AHEAD_MS, lifetimeMs / 10),
  }
}
