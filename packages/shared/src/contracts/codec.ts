import { type SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry'
import { SyncError } from '../errors.ts'
import { parseExactJson } from '../exact-json.ts'
import type { ContractTopic } from '../kafka/topics.ts'
import { CONTRACTS, type ValueOf } from './contracts.ts'

/** Between values and the bytes of a record's value: Confluent's wire format around JSON. */
export interface Codec {
  /** Looks up the contracts of these topics ahead of use. Throws SyncError `topic-missing` or `registry-unavailable`. */
  ready(topics: readonly ContractTopic[]): Promise<void>
  /**
   * Throws SyncError `contract-violation`, `topic-missing` (this contract isn't registered) or `registry-unavailable`.
   * The registry is asked once per topic.
   */
  encode<T extends ContractTopic>(topic: T, value: ValueOf<T>): Promise<Buffer>
  /**
   * Reads what any compatible version of the contract wrote; fields that ours doesn't know are dropped. The numbers in a peer's
   * customer keep every digit (see exact-json.ts), here and in `encode`. Throws SyncError
   * `contract-violation` for bytes that can't be understood, `registry-unavailable` while that can't be told. The
   * registry is asked once per schema.
   */
  decode<T extends ContractTopic>(topic: T, bytes: Buffer): Promise<ValueOf<T>>
}

export interface CodecParts {
  /** Validates what it encodes. */
  readonly writer: SchemaRegistry
  /** Knows schemas by id, without validating: our own contract is what a record is read by. */
  readonly reader: SchemaRegistry
  /** The id of exactly our schema of a topic. */
  readonly idOf: (topic: ContractTopic) => Promise<number>
}

const HEADER_BYTES = 5

export function createCodec({ writer, reader, idOf }: CodecParts): Codec {
  const ids = new Map<ContractTopic, Promise<number>>()
  const knownWriters = new Set<number>()

  const idForWriting = (topic: ContractTopic): Promise<number> => {
    const known = ids.get(topic)
    if (known) return known
    const id = idOf(topic).then(async (found) => {
      // Compiled before the first encode, or else every one that waits here would compile it anew.
      await writer.getSchema(found)
      return found
    })
    ids.set(topic, id)
    // A failure is not remembered: the next encode asks again.
    id.catch(() => ids.delete(topic))
    return id
  }

  /** False when the registry says that it has no such schema. */
  const isRegistered = async (topic: ContractTopic, id: number): Promise<boolean> => {
    try {
      await reader.getSchema(id)
      return true
    } catch (error) {
      if (!(error instanceof SyncError)) throw violation(topic, `schema ${id} can't be read by this client`)
      if (error.status !== 404) throw error
      return false
    }
  }

  const findWriter = async (topic: ContractTopic, id: number): Promise<void> => {
    if (!(await isRegistered(topic, id))) {
      // A registry that lost its data answers 404 to everything: then the record is not to blame, and it waits. Asked
      // again after that, because the contracts may just have been registered anew.
      await idOf(topic)
      // Twice, because the client shares answers: the first may be one that another record asked for before that.
      const isThere = (await isRegistered(topic, id)) || (await isRegistered(topic, id))
      if (!isThere) throw violation(topic, `schema ${id} isn't in the registry`)
    }
    const type = reader.cache.getSchema(id)?.type
    if (type !== SchemaType.JSON) throw violation(topic, `schema ${id} is ${type}, not JSON`)
    knownWriters.add(id)
  }

  return {
    async ready(topics) {
      await Promise.all(topics.map(idForWriting))
    },

    async encode(topic, value) {
      const id = await idForWriting(topic)
      try {
        return await writer.encode(id, value)
      } catch (error) {
        if (error instanceof SyncError) throw error
        throw new SyncError('contract-violation', `encoding for ${topic}: ${schemaProblems(error)}`)
      }
    },

    async decode(topic, bytes) {
      if (bytes.length <= HEADER_BYTES || bytes[0] !== 0)
        throw violation(topic, 'not in the wire format of the registry')
      const id = bytes.readInt32BE(1)
      if (!knownWriters.has(id)) await findWriter(topic, id)
      const parsed = CONTRACTS[topic].safeParse(parseJson(topic, bytes))
      if (parsed.success) return parsed.data as ValueOf<typeof topic>
      const problems = parsed.error.issues
        .slice(0, 5)
        .map(({ path, message }) => `${path.join('.') || 'value'}: ${message}`)
      throw violation(topic, problems.join('; '))
    },
  }
}

/** Without a cause: a parser's own message quotes the text, which is personal data. */
const violation = (topic: ContractTopic, problem: string) =>
  new SyncError('contract-violation', `decoding a record of ${topic}: ${problem}`)

function parseJson(topic: ContractTopic, bytes: Buffer): unknown {
  try {
    return parseExactJson(bytes.toString('utf8', HEADER_BYTES))
  } catch {
    throw violation(topic, 'not JSON')
  }
}

/** Paths and keywords of what the validator found, never a value. */
function schemaProblems(error: unknown): string {
  const paths = (error as { paths?: unknown }).paths
  if (!Array.isArray(paths)) return "can't be written as JSON"
  return paths
    .slice(0, 5)
    .map(({ path, message }) => `${path.join('.') || 'value'}: ${message}`)
    .join('; ')
}
