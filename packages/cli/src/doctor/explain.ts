import { SyncError, type Target } from '@sync/shared/errors'
import { reasonOf } from '@sync/shared/kafka/denials'

/** Why a check was not made, and what to do. */
export interface Explanation {
  readonly found: string
  readonly advice: string
}

/**
 * Says of a request to a peer that failed why its check was not made, and what to do. `role`: the role of the peer that the
 * request needs. Throws what is no expected failure.
 */
export function explain(error: unknown, target: Target, role: string): Explanation {
  if (!(error instanceof SyncError)) throw error
  const { code, message } = error
  const found = `not checked, because ${message}`
  if (code === 'role-missing') {
    return { found, advice: `Give our API user of ${target} the role "${role}", and run the command again.` }
  }
  if (isAboutCredentials(error)) {
    const why = code === 'target-unauthorized' ? message : `the credentials of ${target} are refused`
    return { found: `not checked, because ${why}`, advice: credentialsAdvice(target) }
  }
  if (code === 'target-throttled') return { found, advice: THROTTLED }
  return { found, advice: adviceIfDown(target) }
}

export const adviceIfDown = (target: Target): string => `Ask whether ${target} is down, and check its base URL.`
export const THROTTLED = 'Run the command again. Find out who else uses the same API user.'
export const credentialsAdvice = (target: Target): string => `Check the credentials of ${target} in the tenants file.`

/** 401, or a circuit that is open because of 401. */
export function isAboutCredentials({ code, message }: SyncError): boolean {
  return code === 'target-unauthorized' || (code === 'circuit-open' && message.includes('(unauthorized)'))
}

/** Says of a check of Kafka that failed why it was not made. Throws what is no expected failure. */
export function explainKafka(error: unknown): Explanation {
  const isKafka = error instanceof Error && (error instanceof SyncError || /^KafkaJS/.test(error.name))
  if (!isKafka) throw error
  const why = error instanceof SyncError ? error.message : reasonOf(error)
  return {
    found: `not checked, because ${why}`,
    advice: 'Check KAFKA_BROKERS, SCHEMA_REGISTRY_URL and the ACLs of this user, and run the command again.',
  }
}
