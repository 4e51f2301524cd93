import { z } from 'zod'
import { RESOURCE_KINDS } from './request-about.ts'

/**
 * - `latency`: answered after `latencyMs`
 * - `status`: answered with `status` (and `retryAfterSeconds`) instead of being handled
 * - `reset`: the connection is reset before anything is handled
 * - `reply-lost`: handled, then the connection is closed instead of the reply
 * - `hang`: neither handled nor answered
 * - `late`: never answered, but handled after `delayMs`, or when it is released
 * - `gateway`: a gateway answers in place of the peer; the peer does not see the request, unless `afterEffect`
 * - `keep-alive-race`: a request on a connection that was used before is not handled, the connection is closed
 * - `refused-in-body`: a create or an update is answered 200 with a refusal in the body, and has no effect
 * - `missing-answer`: how a by-id read of a missing customer or order is answered
 * - `other-id`: the answer is about another id than the request
 * - `answer-fields`: fields are laid over, or removed from, each customer or order of the answer
 * - `answer-body`: the body is encoded, chunked, emptied, or has another content type or a byte order mark
 * - `answer-cut`: the headers and a half of the body are sent, then the connection is closed
 */
export const FAULT_KINDS = [
  'latency',
  'status',
  'reset',
  'reply-lost',
  'hang',
  'late',
  'gateway',
  'keep-alive-race',
  'refused-in-body',
  'missing-answer',
  'other-id',
  'answer-fields',
  'answer-body',
  'answer-cut',
] as const
export type FaultKind = (typeof FAULT_KINDS)[number]

/** What matches is the conjunction of all that is given; nothing given matches every request. */
const MATCHING = {
  tenant: z.string().optional(),
  method: z.string().optional(),
  /** The decoded path, without the query; `*` stands for any run of characters, slashes too. */
  path: z.string().optional(),
  /** The path as it came holds at least one of these texts, such as `%2B`. Upper and lower case count the same. */
  rawPath: z.array(z.string().min(1)).min(1).optional(),
  /** `reads` are by-id reads and lists; `writes` are creates, updates and deletes. */
  requests: z
    .enum(['by-id-read', 'list', 'create', 'update', 'delete', 'token', 'other', 'reads', 'writes'])
    .optional(),
  of: z.enum(RESOURCE_KINDS).optional(),
  /** A part of the decoded path or of the JSON body. */
  contains: z.string().optional(),
  /**
   * Exactly this id: a segment of the path, or the body's customerId or customerUid. For `answer-fields`: the customer in
   * the answer.
   */
  customerId: z.string().optional(),
  /** How many matching requests pass before it begins. */
  skip: z.int().nonnegative().optional(),
  /** How many requests it strikes; absent: until it is removed. */
  count: z.int().positive().optional(),
  /** How long after its adding it strikes. */
  forMs: z.number().positive().optional(),
  /** The share of the matching requests that it strikes, drawn from `seed`. */
  chance: z.number().min(0).max(1).optional(),
  seed: z.int().optional(),
}

/** What a rule of each kind may say beside its matching. */
const EFFECT = {
  status: z.int().min(200).max(599).optional(),
  retryAfterSeconds: z.number().nonnegative().optional(),
  /** Waited first, whatever the kind. */
  latencyMs: z.number().nonnegative().optional(),
  /** `late`: absent means until released. */
  delayMs: z.number().nonnegative().optional(),
  /** The form of the body that `gateway` and `missing-answer` answer. */
  answer: z.enum(['html', 'json', 'null', 'empty']).optional(),
  /** In place of the body that `answer` or `refusal` gives: a text as it stands, anything else as JSON. */
  body: z.unknown().optional(),
  /** `''`: none. */
  contentType: z.string().optional(),
  /** `gateway`: the peer handles the request first. */
  afterEffect: z.boolean().optional(),
  /** `keep-alive-race`, `answer-cut`: by a reset instead of a close. */
  reset: z.boolean().optional(),
  /** `refused-in-body`. */
  refusal: z.enum(['error-count', 'success-false', 'not-found-count']).optional(),
  /** `refused-in-body`: absent means a text that quotes the customer of the request. */
  errorMessage: z.string().optional(),
  /** `other-id`: this customer, or if there is none, the same body with this id. */
  answerId: z.string().optional(),
  /** `other-id`: the same body with the id in another case. */
  idCase: z.enum(['upper', 'lower', 'swapped']).optional(),
  /** `answer-fields`: values by path, such as `{"postalCode": 5003, "contacts.0": "a text"}`. */
  set: z.record(z.string(), z.unknown()).optional(),
  /** `answer-fields`: paths. */
  remove: z.array(z.string()).optional(),
  /** `answer-body`: a Content-Encoding; `deflate-raw` is `deflate` without its zlib frame; an unknown one only the header. */
  encoding: z.string().min(1).optional(),
  /** `answer-body`: the bytes of the letters, UTF-8 unless told, whatever the content type names. */
  charset: z.enum(['latin1', 'utf16le']).optional(),
  /** `answer-body`: the encoded bytes are broken. */
  corrupt: z.boolean().optional(),
  chunked: z.boolean().optional(),
  empty: z.boolean().optional(),
  /** `answer-body`: begins with a byte order mark. */
  bom: z.boolean().optional(),
}

/** `status`, `retryAfterSeconds`, `latencyMs` and `delayMs` were always taken with every kind. */
const FIELDS_OF: Partial<Record<FaultKind, readonly (keyof typeof EFFECT)[]>> = {
  gateway: ['answer', 'body', 'contentType', 'afterEffect'],
  'keep-alive-race': ['reset'],
  'refused-in-body': ['refusal', 'errorMessage', 'body'],
  'missing-answer': ['answer', 'body', 'contentType'],
  'other-id': ['answerId', 'idCase'],
  'answer-fields': ['set', 'remove'],
  'answer-cut': ['reset'],
  'answer-body': ['encoding', 'charset', 'corrupt', 'chunked', 'empty', 'bom', 'contentType'],
}
const ALWAYS: readonly string[] = [
  'kind',
  ...Object.keys(MATCHING),
  'status',
  'retryAfterSeconds',
  'latencyMs',
  'delayMs',
]
const NEEDS_ONE: readonly FaultKind[] = ['answer-fields', 'answer-body']

function onlyFieldsOfItsKind(rule: { readonly kind: FaultKind }, context: z.RefinementCtx): void {
  const own: readonly string[] = FIELDS_OF[rule.kind] ?? []
  for (const name of Object.keys(rule)) {
    if (ALWAYS.includes(name) || own.includes(name)) continue
    context.addIssue({ code: 'custom', path: [name], message: `means nothing for ${rule.kind}` })
  }
  if (NEEDS_ONE.includes(rule.kind) && !own.some((name) => name in rule)) {
    context.addIssue({ code: 'custom', path: ['kind'], message: `${rule.kind} needs one of ${own.join(', ')}` })
  }
}

const { tenant: _, ...MATCHING_IN_A_TENANT } = MATCHING
const KIND = { kind: z.enum(FAULT_KINDS) }

export const FaultRule = z.strictObject({ ...KIND, ...MATCHING, ...EFFECT }).superRefine(onlyFieldsOfItsKind)
/** One fault: which requests, how many of them, and what becomes of them. */
export type FaultRule = Readonly<z.infer<typeof FaultRule>>

/** A fault in the configuration of a tenant, whose requests it is about. */
export const TenantFault = z
  .strictObject({ ...KIND, ...MATCHING_IN_A_TENANT, ...EFFECT })
  .superRefine(onlyFieldsOfItsKind)

/**
 * Where on its way a request meets a fault: at a gateway before the peer knows the request, at the peer, or on the way of
 * the answer.
 */
export type FaultStage = 'front' | 'peer' | 'answer'

export function stageOf({ kind, afterEffect }: FaultRule): FaultStage {
  switch (kind) {
    case 'gateway':
      return afterEffect === true ? 'answer' : 'front'
    case 'keep-alive-race':
      return 'front'
    case 'missing-answer':
    case 'other-id':
    case 'answer-fields':
    case 'answer-body':
    case 'answer-cut':
      return 'answer'
    default:
      return 'peer'
  }
}
