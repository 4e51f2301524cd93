/** So that one is known where it should not be. */
export const TOKENS_BEGIN = 'stand-in-token-'

/** Access tokens and whose they are; `expiresInSeconds` is what `issue` gives each. */
export interface OmniumTokens {
  issue(tenant: string): string
  /** null: unknown or expired. */
  tenantOf(token: string): string | null
  /** Ends the tokens of one tenant, or all, before their time. */
  expire(tenant?: string): void
}

export function createOmniumTokens(expiresInSeconds: number, now: () => number): OmniumTokens {
  const tokens = new Map<string, { tenant: string; untilMs: number }>()
  let issued = 0
  return {
    issue(tenant) {
      for (const [token, { untilMs }] of tokens) if (untilMs <= now()) tokens.delete(token)
      issued += 1
      const token = `${TOKENS_BEGIN}${Buffer.from(tenant).toString('base64url')}-${issued}`
      tokens.set(token, { tenant, untilMs: now() + expiresInSeconds * 1000 })
      return token
    },
    tenantOf(token) {
      const found = tokens.get(token)
      return found && found.untilMs > now() ? found.tenant : null
    },
    expire(tenant) {
      for (const [token, { tenant: owner }] of tokens)
        if (tenant === undefined || owner === tenant) tokens.delete(token)
    },
  }
}
