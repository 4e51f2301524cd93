import { COMPATIBILITY, SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry'
import { SyncError } from '../errors.ts'
import { CONTRACT_TOPICS, type ContractTopic } from '../kafka/topics.ts'
import { type Codec, createCodec } from './codec.ts'
import { jsonSchemaOf } from './json-schema.ts'
import { clientSettings, createRegistryRequest, type RegistryAddress } from './registry-http.ts'

export interface ContractsOptions extends RegistryAddress {
  /** TOPIC_PREFIX: it goes before subjects as it does before topics. */
  readonly prefix: string
}

export interface RegisteredContract {
  readonly topic: ContractTopic
  readonly subject: string
  readonly id: number
  /** This call registered it. */
  readonly added: boolean
  /** This call changed the subject's compatibility level, from this one; null: none was set. */
  readonly levelBefore?: string | null
}

export interface ContractProblem {
  readonly subject: string
  readonly kind: 'missing' | 'different' | 'compatibility'
  readonly message: string
}

/** The contracts in the schema registry, one subject per topic. */
export interface Contracts {
  /**
   * Registers what is missing and sets the subjects' compatibility. Idempotent, and harmless when two do it at once.
   * Throws SyncError `contract-violation` when the registry refuses a contract, as for an incompatible change.
   */
  register(): Promise<readonly RegisteredContract[]>
  /** What `register` would have to do, without doing it. */
  verify(): Promise<readonly ContractProblem[]>
  readonly codec: Codec
}

/** Levels under which a new contract version always reads what earlier ones wrote. */
const BACKWARD_LEVELS: ReadonlySet<string> = new Set(['BACKWARD', 'BACKWARD_TRANSITIVE', 'FULL', 'FULL_TRANSITIVE'])

export const TOPICS_COMMAND = 'npx syncctl topics apply'

export function createContracts(options: ContractsOptions): Contracts {
  const request = createRegistryRequest(options)
  const client = new SchemaRegistry(clientSettings(options, request), {
    // The contracts are ours, so the validator's advice on style is noise; union types are how null is said.
    [SchemaType.JSON]: { strict: false, detailedErrorPaths: true },
  })
  const reader = new SchemaRegistry(clientSettings(options, request), {
    [SchemaType.JSON]: { ajvInstance: { addSchema: () => undefined as never, compile: () => acceptAll } },
  })

  const subjectOf = (topic: ContractTopic) => `${options.prefix}${topic}-value`
  const schemaOf = (topic: ContractTopic) =>
    ({ type: SchemaType.JSON, schema: JSON.stringify(jsonSchemaOf(topic)) }) as const

  /** The id under which the registry holds exactly our schema; undefined when it doesn't. */
  const find = async (topic: ContractTopic): Promise<number | undefined> => {
    try {
      return await client.getRegistryIdBySchema(subjectOf(topic), schemaOf(topic))
    } catch (error) {
      if (error instanceof SyncError) throw error
      // The client's own error class stands for the registry's 404.
      return undefined
    }
  }

  const idOf = async (topic: ContractTopic): Promise<number> => {
    const id = await find(topic)
    if (id !== undefined) return id
    const subject = subjectOf(topic)
    throw new SyncError('topic-missing', `looking up contract ${subject}: not registered; run: ${TOPICS_COMMAND}`)
  }

  /** undefined: no such subject, or no level of its own. */
  const levelOf = async (subject: string): Promise<string | undefined> => {
    try {
      const answer = (await request('GET', `/config/${subject}`)) as { compatibilityLevel?: string }
      return answer.compatibilityLevel
    } catch (error) {
      if (error instanceof SyncError && error.status === 404) return undefined
      throw error
    }
  }

  const registerOne = async (topic: ContractTopic): Promise<RegisteredContract> => {
    const subject = subjectOf(topic)
    const before = await levelOf(subject)
    const keeps = before !== undefined && BACKWARD_LEVELS.has(before)
    if (before !== undefined && !keeps) await setLevel(subject)
    const known = await find(topic)
    const level = keeps ? (before as COMPATIBILITY) : COMPATIBILITY.BACKWARD
    const id = known ?? (await client.register(schemaOf(topic), { subject, compatibility: level })).id
    // A subject that was there without a level, or lost it to one who registered at the same time.
    const after = await levelOf(subject)
    if (after === undefined || !BACKWARD_LEVELS.has(after)) await setLevel(subject)
    const changed = !keeps && known !== undefined
    return { topic, subject, id, added: known === undefined, ...(changed && { levelBefore: before ?? null }) }
  }

  const setLevel = (subject: string) =>
    request('PUT', `/config/${subject}`, JSON.stringify({ compatibility: COMPATIBILITY.BACKWARD }))

  const register = async (): Promise<readonly RegisteredContract[]> => {
    const registered: RegisteredContract[] = []
    for (const topic of CONTRACT_TOPICS) registered.push(await registerAmongOthers(topic))
    return registered
  }

  /** Two who register at once get in each other's way; what the other one did is what we wanted, so look again. */
  const registerAmongOthers = async (topic: ContractTopic, attemptsLeft = 4): Promise<RegisteredContract> => {
    try {
      return await registerOne(topic)
    } catch (error) {
      const unreachable = error instanceof SyncError && error.status === undefined
      if (!unreachable && attemptsLeft > 1) return registerAmongOthers(topic, attemptsLeft - 1)
      if (unreachable) throw error
      const code = error instanceof SyncError ? error.code : 'registry-unavailable'
      throw new SyncError(code, `registering contract ${subjectOf(topic)}: ${(error as Error).message}`, {
        cause: error,
      })
    }
  }

  const verifyOne = async (topic: ContractTopic): Promise<readonly ContractProblem[]> => {
    const subject = subjectOf(topic)
    if ((await find(topic)) === undefined) {
      const exists = (await levelOf(subject)) !== undefined
      return exists
        ? [{ subject, kind: 'different', message: "holds other versions of the contract, not this program's" }]
        : [{ subject, kind: 'missing', message: "isn't registered" }]
    }
    const level = await levelOf(subject)
    if (level !== undefined && BACKWARD_LEVELS.has(level)) return []
    const message = `has compatibility ${level ?? 'unset'}, which lets in incompatible contracts; wanted: BACKWARD`
    return [{ subject, kind: 'compatibility', message }]
  }

  const verify = async (): Promise<readonly ContractProblem[]> => {
    const problems = await Promise.all(CONTRACT_TOPICS.map(verifyOne))
    return problems.flat()
  }

  return { register, verify, codec: createCodec({ writer: client, reader, idOf }) }
}

const acceptAll = Object.assign(() => true, { errors: null })
