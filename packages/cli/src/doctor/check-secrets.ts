import { SyncError } from '@sync/shared/errors'
import { resolveSecret } from '@sync/shared/tenants'
import { readText } from '@sync/shared/tenants-file'
import type { Check } from './check.ts'
import type { DoctorContext } from './context.ts'
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
    const check = nameOf(index)
    const isReference = /^(?:env|file):/.test(reference)
    if (secret === null || secret === '') {
      return broken(
        check,
        'the reference leads to no secret',
        'Set the variable or the file that the tenants file names.',
      )
    }
    const length = `${secret.length} characters`
    const longer =
      secret.length < LEAST_LENGTH
        ? [`Use at least ${LEAST_LENGTH} characters, and name both secrets for a while.`]
        : []
    if (!isReference) {
      const advice = 'Move the secret to a file or a variable, and name that as file:/path or env:NAME.'
      return look(check, `a literal of ${length} in the tenants file`, [advice, ...longer].join(' '))
    }
    if (longer[0] !== undefined) return look(check, `a reference to ${length}`, longer[0])
    return ok(check, `a reference to ${length}`)
  })
}

const nameOf = (index: number): string => `webhook secret ${index + 1}`

export function secretsOf(context: DoctorContext): Check {
  const secrets = secretsIn(context)
  return {
    names: secrets.map((_secret, index) => nameOf(index)),
    run: async () => checkSecrets(secrets),
    explain(error) {
      if (!(error instanceof SyncError)) throw error
      return { found: error.message, advice: 'Check the tenants file.' }
    },
  }
}

/** The tenants file before its references are resolved, because a resolved secret does not show whether it was a literal. */
function secretsIn({ cluster, tenant, env }: DoctorContext): WebhookSecret[] {
  const entries = JSON.parse(readText(cluster.config.tenantsFile!)) as { uid?: unknown; webhookSecrets?: unknown }[]
  const entry = entries.find(({ uid }) => uid === tenant.uid)
  const references = Array.isArray(entry?.webhookSecrets) ? entry.webhookSecrets.map(String) : []
  return references.map((reference) => {
    try {
      return { reference, secret: resolveSecret(reference, env) }
    } catch {
      return { reference, secret: null }
    }
  })
}
