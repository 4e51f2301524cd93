import { z } from 'zod'
import { backoffAtLeastHalf } from '../backoff.ts'
import { codeOfStatus, SyncError } from '../errors.ts'
import { NOT_FOUND, readJson, requireAnswer } from '../http/answer.ts'
import type { Credentials } from '../http/auth.ts'
import type { Call } from '../http/call.ts'
import { isHtmlResponse } from '../http/html-response.ts'
import { query } from '../http/path.ts'
import { copyOf, failureOf, type Send, statusText, type TargetRequest } from '../http/request.ts'
import type { Schedule } from '../http/schedule.ts'
import type { Sender } from '../senders.ts'
import type { Tenant, Tenants } from '../tenants.ts'
import { unlessAborted } from '../unless-aborted.ts'
import { type OmniumClientCredentials, omniumCredentialsOf } from './api-users.ts'
import { createTokenBudget, type TokenBudget } from './token-budget.ts'

/** A lifetime that is none counts as not told. */
const TokenAnswer = z.looseObject({
  accessToken: z.string().min(1),
  expiresIn: z.coerce.number().positive().nullish().catch(null),
})

export interface OmniumCredentialsOptions {
  /** Sends without the circuit and the limits. */
  readonly send: Send
  /** Whose credentials are used, if the tenant has an API user for each service. */
  readonly sender: Sender
  readonly now: () => number
  /** ms since the epoch. */
  readonly wallNow: () => number
  readonly random: () => number
  readonly schedule: Schedule
}

export interface OmniumCredentials extends Credentials {
  /** Forgets the tokens of tenants that are no more. */
  tenantsChanged(tenants: Tenants): void
}

interface Token {
  readonly text: string
  readonly fetchedAtMs: number
  /** From then on a new one is fetched while this one is still used. */
  readonly refreshAtMs: number
  readonly expiresAtMs: number
  wasAccepted: boolean
}
interface Account extends OmniumClientCredentials {
  token: Token | null
  /** The fetch under way, shared by all who need it. */
  fetching: Promise<Token> | null
  readonly budget: TokenBudget
  /** Fresh tokens that were refused since a token was last accepted. */
  refusedInARow: number
  failures: number
  /** A failed refresh ahead of time isn't repeated before then. */
  quietUntilMs: number
}

const DEFAULT_LIFETIME_S = 3_600
/** What is said to end sooner is used until then all the same: it may live longer, and a 401 tells if it does not. */
const LEAST_LIFETIME_MS = 60_000
/** A tenth of the lifetime ahead of its end, but at most that. */
const MAX_AHEAD_MS = 600_000
const QUIET = { baseMs: 5_000, capMs: 60_000 }
/** So many fresh tokens that are refused one after the other show that the credentials are refused. */
const REFUSED_IN_A_ROW = 3
/** A request itself waits that long for the next fetch. A longer wait is that of its record. */
const MAX_WAIT_MS = 300

/**
 * Omnium's tokens, one for each tenant, fetched once and shared; refreshed ahead of their end without anybody waiting, and
 * once when one is refused. At most two tokens a minute are fetched. Source: docs.omnium.no, API developer guide.
 */
export function createOmniumCredentials(options: OmniumCredentialsOptions): OmniumCredentials {
  const { send, sender, now, wallNow, random, schedule } = options
  const accounts = new Map<string, Account>()

  const accountOf = (tenant: Tenant): Account => {
    const { clientId, clientSecret } = omniumCredentialsOf(tenant, sender)
    const known = accounts.get(tenant.uid)
    if (known?.clientId === clientId && known.clientSecret === clientSecret) return known
    const account: Account = {
      ...{ clientId, clientSecret, token: null, fetching: null, budget: createTokenBudget(random) },
      ...{ refusedInARow: 0, failures: 0, quietUntilMs: 0 },
    }
    accounts.set(tenant.uid, account)
    return account
  }

  const unavailable = ({ uid }: Tenant, waitMs: number) =>
    new SyncError('token-unavailable', 'fetching a token from omnium: the next one may not be fetched yet', {
      ...{ target: 'omnium', tenant: uid, retryAfterMs: Math.ceil(waitMs + random() * MAX_WAIT_MS) },
    })

  const fetchNow = (account: Account, tenant: Tenant): Promise<Token> =>
    requestToken(send, tenant, account, { now, wallNow })
      .then((token) => {
        account.failures = 0
        account.token = token
        account.budget.fetched(now())
        return token
      })
      .catch((error: unknown) => {
        account.quietUntilMs = now() + backoffAtLeastHalf(account.failures++, { ...QUIET, random })
        throw error
      })

  /** Throws SyncError `token-unavailable` when the next fetch is not soon. */
  const fetchToken = async (account: Account, tenant: Tenant): Promise<Token> => {
    if (account.fetching === null) {
      const waitMs = account.budget.nextAtMs(now()) - now()
      if (waitMs > MAX_WAIT_MS) throw unavailable(tenant, waitMs)
      const due = waitMs <= 0 ? Promise.resolve() : new Promise<void>((resolve) => void schedule(resolve, waitMs))
      account.fetching = due
        .then(() => fetchNow(account, tenant))
        .finally(() => {
          account.fetching = null
        })
    }
    return account.fetching
  }
  const mayFetch = ({ budget, quietUntilMs }: Account, at: number) =>
    budget.nextAtMs(at) - at <= MAX_WAIT_MS && at >= quietUntilMs

  /** Whether the refusal stands: no token was accepted since several fresh ones in a row were refused. */
  const note401 = (account: Account, refused: string): boolean => {
    const { token } = account
    if (token?.text === refused) {
      if (!token.wasAccepted) account.refusedInARow++
      account.budget.refused(token.fetchedAtMs, now())
      account.token = null
    }
    return account.refusedInARow >= REFUSED_IN_A_ROW
  }

  return {
    async token(call) {
      const account = accountOf(call.tenant)
      const { token } = account
      if (token === null) return (await shared(fetchToken(account, call.tenant), call)).text
      const at = now()
      if (at >= token.refreshAtMs && mayFetch(account, at)) {
        const fetching = fetchToken(account, call.tenant)
        if (at >= token.expiresAtMs) return (await shared(fetching, call)).text
        // Its failure shows when the token in hand is used up.
        fetching.catch(() => {})
      }
      return token.text
    },
    current: (call) => accountOf(call.tenant).token?.text ?? null,
    accepted(call, text) {
      const account = accountOf(call.tenant)
      if (account.token?.text !== text) return
      account.token.wasAccepted = true
      account.refusedInARow = 0
    },
    async renew(call, refused) {
      const account = accountOf(call.tenant)
      // Those whose 401 comes later find the new token here already.
      if (account.token !== null && account.token.text !== refused) return account.token.text
      if (note401(account, refused)) return null
      return (await shared(fetchToken(account, call.tenant), call)).text
    },
    refused(call, text) {
      const account = accountOf(call.tenant)
      if (note401(account, text)) return
      const at = now()
      throw unavailable(call.tenant, account.token === null ? account.budget.nextAtMs(at) - at : 0)
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

async function requestToken(
  send: Send,
  tenant: Tenant,
  { clientId, clientSecret }: OmniumClientCredentials,
  { now, wallNow }: Pick<OmniumCredentialsOptions, 'now' | 'wallNow'>,
): Promise<Token> {
  const request: TargetRequest = {
    target: 'omnium',
    operation: 'token',
    method: 'POST',
    baseUrl: tenant.omnium.baseUrl,
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
  requireAnswer(request, answer, [], wallNow())
  const { accessToken, expiresIn } = readJson(request, answer, TokenAnswer)
  const lifetimeMs = Math.max(LEAST_LIFETIME_MS, (expiresIn ?? DEFAULT_LIFETIME_S) * 1000)
  return {
    text: accessToken,
    fetchedAtMs: now(),
    wasAccepted: false,
    expiresAtMs: askedAt + lifetimeMs,
    refreshAtMs: askedAt + lifetimeMs - Math.min(MAX_AHEAD_MS, lifetimeMs / 10),
  }
}
