type Node = Readonly<Record<string, unknown>>

/**
 * Why a reader of `newer` could fail on what was written by `older`; empty when it never does. Knows the keywords that
 * our contracts are made of, and takes any other difference for incompatible.
 */
export function incompatibilities(older: Node, newer: Node, at = ''): string[] {
  const alternatives = alternativesOf(older)
  if (alternatives.length > 1) return alternatives.flatMap((one) => incompatibilities(one, newer, at))
  const [only = older] = alternatives
  const choices = alternativesOf(newer)
  if (choices.length > 1) return bestOf(choices.map((choice) => compareOne(only, choice, at)))
  return compareOne(only, choices[0] ?? newer, at)
}

/** The plain schemas of which a value has to match one: `type: [a, b]`, anyOf and oneOf are all ways to say that. */
function alternativesOf(schema: Node): readonly Node[] {
  const choices = (schema.anyOf ?? schema.oneOf) as readonly Node[] | undefined
  if (choices) return choices.flatMap(alternativesOf)
  if (Array.isArray(schema.type)) return schema.type.map((type) => ({ ...schema, type }))
  return [schema]
}

const bestOf = (found: readonly string[][]): string[] =>
  found.reduce((best, next) => (next.length < best.length ? next : best))

/** Two schemas without alternatives. */
function compareOne(older: Node, newer: Node, at: string): string[] {
  const where = at === '' ? 'value' : at
  if (newer.type !== undefined && newer.type !== older.type && !(newer.type === 'number' && older.type === 'integer')) {
    return [`${where}: was ${String(older.type ?? 'anything')}, becomes ${String(newer.type)}`]
  }
  const problems = [...narrowedValues(older, newer, where), ...narrowedRange(older, newer, where)]
  if (older.type === 'object') problems.push(...compareObjects(older, newer, at))
  if (newer.items !== undefined)
    problems.push(...incompatibilities(nodeOf(older.items), nodeOf(newer.items), `${at}[]`))
  for (const keyword of new Set([...Object.keys(older), ...Object.keys(newer)])) {
    if (KNOWN_KEYWORDS.has(keyword)) continue
    if (JSON.stringify(older[keyword]) !== JSON.stringify(newer[keyword])) problems.push(`${where}: ${keyword} changes`)
  }
  return problems
}

const KNOWN_KEYWORDS: ReadonlySet<string> = new Set(
  '$schema type anyOf oneOf properties required additionalProperties items enum const minimum maximum default description title'.split(
    ' ',
  ),
)

function narrowedValues(older: Node, newer: Node, where: string): string[] {
  const allowed = valuesOf(newer)
  if (!allowed) return []
  const before = valuesOf(older)
  if (!before) return [`${where}: becomes one of a few values`]
  const gone = before.filter((value) => !allowed.includes(value))
  return gone.length > 0 ? [`${where}: ${gone.join(', ')} no longer allowed`] : []
}

const valuesOf = (schema: Node): readonly unknown[] | undefined =>
  'const' in schema ? [schema.const] : (schema.enum as readonly unknown[] | undefined)

function narrowedRange(older: Node, newer: Node, where: string): string[] {
  const raised = Number(newer.minimum ?? -Infinity) > Number(older.minimum ?? -Infinity)
  const lowered = Number(newer.maximum ?? Infinity) < Number(older.maximum ?? Infinity)
  return raised || lowered ? [`${where}: the range becomes smaller`] : []
}

function compareObjects(older: Node, newer: Node, at: string): string[] {
  const path = (name: string) => (at === '' ? name : `${at}.${name}`)
  const before = (older.properties ?? {}) as Record<string, Node>
  const after = (newer.properties ?? {}) as Record<string, Node>
  const wasRequired = (older.required ?? []) as readonly string[]
  const problems = ((newer.required ?? []) as readonly string[])
    .filter((name) => !wasRequired.includes(name))
    .map((name) => `${path(name)}: becomes required`)
  for (const [name, schema] of Object.entries(before)) {
    const next = after[name] ?? newer.additionalProperties
    if (next === false) problems.push(`${path(name)}: is removed, and no other fields are allowed`)
    else problems.push(...incompatibilities(schema, nodeOf(next), path(name)))
  }
  // Closed before: a field that is new now can't be in an older record. Open before: it can, with any meaning.
  const wasOpen = older.additionalProperties !== false
  for (const name of Object.keys(after)) {
    if (wasOpen && !(name in before)) problems.push(`${path(name)}: is added to an open object`)
  }
  if (wasOpen && newer.additionalProperties === false) problems.push(`${at || 'value'}: no longer takes other fields`)
  return problems
}

/** JSON Schema's `true`, `{}` and a missing keyword all allow anything. */
const nodeOf = (schema: unknown): Node => (typeof schema === 'object' && schema !== null ? (schema as Node) : {})
