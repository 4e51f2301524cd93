/** So that one is known where it should not be. */
export const TOKENS_BEGIN = 'stand-in-token-'

/** The API user that a token was issued to. */
export interface TokenOwner {
  readonly tenant: string
  readonly clientId: string
}

/** Access tokens and whose they are; `expiresInSeconds` is what `issue` gives each. */
export interface OmniumTokens {
  /** `only`: the tokens that the owner got before end. */
  issue(owner: TokenOwner, options?: { readonly only: boolean }): string
  /** null: unknown or expired. */
  ownerOf(token: string): TokenOwner | null
  /** Ends the tokens of one tenant, or all, before their time. */
  expire(tenant?: string): void
}

export function createOmniumTokens(expiresInSeconds: number, now: () => number): OmniumTokens {
  const tokens = new Map<string, { owner: TokenOwner; untilMs: number }>()
  let issued = 0
  return {
    issue(owner, { only } = { only: false }) {
      for (const [token, { owner: other }] of tokens) {
        if (only && other.tenant === owner.tenant && other.clientId === owner.clientId) tokens.delete(token)
      }
      for (const [token, { untilMs }] of tokens) if (untilMs <= now()) tokens.delete(token)
      issued += 1
      const token = `${TOKENS_BEGIN}${Buffer.from(owner.tenant).toString('base64url')}-${issued}`
      tokens.set(token, { owner, untilMs: now() + expiresInSeconds * 1000 })
      return token
    },
    ownerOf(token) {
      const found = tokens.get(token)
      return found && found.untilMs > now() ? found.owner : null
    },
    expire(tenant) {
      for (const [token, { owner }] of tokens) if (tenant === undefined || owner.tenant === tenant) tokens.delete(token)
    },
  }
}
