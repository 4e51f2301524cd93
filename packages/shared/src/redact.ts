/**
 * What may stand in a log line. An allowlist, because a customer carries fields that nobody here has named: a field that
 * is not known to be safe shows as `[redacted]`, whatever it holds. Pure.
 */
const REDACTED = '[redacted]'
const MAX_DEPTH = 6
const MAX_CAUSES = 5

const SAFE_FIELDS: ReadonlySet<string> = new Set(
  `
  service component version instance instanceId command signal exitCode port ports
  tenant tenants tenantUid target targets operation method status statusCode state phase circuit circuits
  topic topics partition partitions offset offsets origin lane why kind type entity source via action category className
  outcome outcomes reason reasons code message answer attempt attempts redrives retries changed fields repair
  lag pending inFlight waiting deferred queued count total size records keys pages page epoch generation
  groupId memberId memberIds members assignment gained lost held leader leaderId isLeader groupProtocol
  duration correlationId retryCount retryTime broker brokers registry subject schemaId
  mark until since due window share added removed
  msg level time label logger namespace error err cause stack reqId traceparent traceId
  `
    .trim()
    .split(/\s+/),
)
/** Numbers that carry their unit in their name, as all of ours do, and points in time. */
const MEASURE = /(?:Ms|Seconds|Bytes|Count|Total|Records|At)$/
const ISO_8601 = /^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)$/

/** How a record key appears: the same key always as the same text, so that lines can be told together, but no customer. */
export type Pseudonym = (key: string) => string

/** A copy of `fields` in which only known-safe fields keep their values; `key` becomes its pseudonym. */
export function redactFields(fields: object, pseudonym: Pseudonym): Record<string, unknown> {
  return redactObject(fields, pseudonym, 0)
}

function redactObject(fields: object, pseudonym: Pseudonym, depth: number): Record<string, unknown> {
  const out: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(fields)) out[name] = redactField(name, value, pseudonym, depth)
  return out
}

function redactField(name: string, value: unknown, pseudonym: Pseudonym, depth: number): unknown {
  if (value === null || value === undefined || typeof value === 'boolean') return value
  if (value instanceof Error) return describeError(value)
  if (name === 'key' && typeof value === 'string') return pseudonym(value)
  if (typeof value === 'number' && MEASURE.test(name)) return value
  if (typeof value === 'string' && name.endsWith('At') && ISO_8601.test(value)) return value
  if (!SAFE_FIELDS.has(name) || depth > MAX_DEPTH) return REDACTED
  if (Array.isArray(value)) return value.map((item) => redactField(name, item, pseudonym, depth + 1))
  if (value instanceof Date) return value.toISOString()
  if (value instanceof Set || value instanceof Map) return { size: value.size }
  switch (typeof value) {
    case 'string':
      return scrub(value)
    case 'number':
      return value
    case 'bigint':
      return value.toString()
    case 'object':
      return redactObject(value, pseudonym, depth + 1)
    default:
      return REDACTED
  }
}

/** An error by its name, code, message and stack, with its causes: never the payloads that libraries hang on theirs. */
export function describeError(error: unknown, depth = 0): Record<string, unknown> {
  if (!(error instanceof Error)) return { type: typeof error }
  const from = error as Error & Record<string, unknown>
  const out: Record<string, unknown> = { type: error.name, message: errorText(error, error.message) }
  for (const name of ['code', 'target', 'tenant', 'status', 'retryAfterMs', 'unknownEnd', 'outage']) {
    const value = from[name]
    if (typeof value === 'string') out[name] = scrub(value)
    else if (typeof value === 'number' || value === true) out[name] = value
  }
  if (error.stack !== undefined) out.stack = errorText(error, error.stack)
  if (error.cause instanceof Error && depth < MAX_CAUSES) out.cause = describeError(error.cause, depth + 1)
  if (error instanceof AggregateError && depth < MAX_CAUSES) {
    out.errors = error.errors.slice(0, MAX_CAUSES).map((one) => describeError(one, depth + 1))
  }
  return out
}

/** `text`, the message or the stack of `error`, scrubbed: JSON.parse quotes what it could not read. */
export function errorText(error: Error, text: string): string {
  return scrub(error.name === 'SyntaxError' ? text.replace(/"[^\n]*"/g, '"…"') : text)
}

const PATTERNS: readonly (readonly [RegExp, string])[] = [
  // Secrets in URLs (?key=…, ?clientSecret=…) and in headers.
  [/([?&](?:key|token|access_token|api_?key|clientId|clientSecret|secret|password)=)[^&\s"'\\]*/gi, `$1${REDACTED}`],
  [/\b(Bearer|Basic)\s+[\w.~+/=-]+/gi, `$1 ${REDACTED}`],
  [/\bwhsec_[\w+/=-]+/g, REDACTED],
  [/(\/\/)[^/\s"@]+:[^/\s"@]+@/g, `$1${REDACTED}@`],
  // E-mail addresses, percent-encoded ones too, and phone numbers in international form.
  [/[\p{L}\p{N}._%+'-]+(?:@|%40)[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+/gu, REDACTED],
  [/(?<![\w:.])(?:\+|%2B)\d(?:[\s-]?\d){7,14}(?!\d)/g, REDACTED],
]

/** `text` without what is recognizably a secret, an e-mail address or a phone number. */
export function scrub(text: string): string {
  let out = text
  for (const [pattern, by] of PATTERNS) out = out.replace(pattern, by)
  return out
}
