/** Words of field names and of refusals. None of them can be personal data, because the list is closed. */
const WORDS: ReadonlySet<string> = new Set(
  `account address addresses already argument bad body business cannot characters city code company conflict constraint
   contact contacts country created currently customer customers database disabled does duplicate duplicated email
   empty error errors exist existing exists expected external failed field first firstname forbidden format found id ids
   identifier in incorrect input invalid is key last lastname length limit long loyalty market maximum minimum missing
   mobile model modified must name names not null number object occurred one or more order parameter parent phone postal
   private property query read refused registered relation request required resource same schema server short store
   string supported taken tax tenant too type uid unexpected unique unknown unsupported updated use used user validation
   value version violates violation was write wrong`.split(/\s+/),
)
/** Where a body of a refusal usually says why. */
const FIELDS = [
  'code',
  'errorCode',
  'error',
  'title',
  'message',
  'detail',
  'errorMessage',
  'field',
  'property',
] as const
const MAX_LENGTH = 200
const MAX_ERRORS = 5

/**
 * What the JSON body of a refusal says, in the words of a closed list; `''` when nothing is left. A peer's text may quote any
 * customer, so every other word is left out, and so is every digit.
 */
export function problemWords(text: string): string {
  const body = parse(text)
  const said = [...sayings(body), ...sayings(childOf(body, 'error')), ...errorsOf(childOf(body, 'errors'))]
  return [...new Set(said)].join('; ').slice(0, MAX_LENGTH)
}

function errorsOf(errors: unknown): string[] {
  if (Array.isArray(errors)) {
    return errors
      .slice(0, MAX_ERRORS)
      .flatMap((it) => (typeof it === 'string' ? [known(it)] : sayings(it)))
      .filter(isSaid)
  }
  if (typeof errors !== 'object' || errors === null) return []
  return Object.keys(errors).slice(0, MAX_ERRORS).map(known).filter(isSaid)
}

const sayings = (body: unknown): string[] =>
  FIELDS.map((field) => childOf(body, field))
    .map((value) => (typeof value === 'string' ? known(value) : ''))
    .filter(isSaid)

const isSaid = (text: string): boolean => text !== '' && text !== '…'

/** `DUPLICATE_EMAIL`, `customerUid` and sentences by their words; `…` stands for the words that are left out. */
function known(text: string): string {
  const words = text
    .slice(0, 1_000)
    .replace(/(\p{Ll})(\p{Lu})/gu, '$1 $2')
    .split(/[\s_.:,;'"()[\]-]+/u)
    .filter((word) => word !== '')
    .map((word) => word.toLowerCase())
    .map((word) => (WORDS.has(word) ? word : '…'))
  return words.filter((word, index) => word !== '…' || words[index - 1] !== '…').join(' ')
}

const childOf = (body: unknown, name: string): unknown =>
  typeof body === 'object' && body !== null && Object.hasOwn(body, name)
    ? (body as Record<string, unknown>)[name]
    : undefined

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
