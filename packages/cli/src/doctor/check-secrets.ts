import { broken, type Finding, look, ok } from './finding.ts'

/** A shorter secret can be guessed. */
const LEAST_LENGTH = 16

export interface WebhookSecret {
  /** As it stands in the tenants file. */
  readonly reference: string
  /** The secret itself; null if the reference leads nowhere. */
  readonly secret: string | null
}

/** The webhook secrets of a tenant: their length, and whether each is a literal or a reference. Pure. */
export function checkSecrets(secrets: readonly WebhookSecret[]): Finding[] {
  return secrets.map(({ reference, secret }, index) => {
    const check = `webhook secret ${index + 1}`
    const isReference = /^(?:env|file):/.test(reference)
    if (secret === null || secret === '') {
      return broken(
        check,
        'the reference leads to no secret',
        'Set the variable or the file that the tenants file names.',
      )
    }
    const length = `${secret.length} characters`
    if (!isReference) {
      const advice = 'Move the secret to a file or a variable, and name that as file:/path or env:NAME.'
      return look(check, `a literal of ${length} in the tenants file`, advice)
    }
    if (secret.length < LEAST_LENGTH) {
      return look(
        check,
        `a reference to ${length}`,
        `Use at least ${LEAST_LENGTH} characters, and name both secrets for a while.`,
      )
    }
    return ok(check, `a reference to ${length}`)
  })
}
