const MAX_LENGTH = 300

/** What a service's log says last of why it ended, after a colon; empty when it says nothing. */
export function reasonInLog(log: string): string {
  const lines = log.trimEnd().split('\n').filter(Boolean)
  const complaint = lines.findLast((line) => /^(error|fatal)$/.test(entryOf(line)?.level ?? ''))
  const text = complaint === undefined ? plainReason(lines) : textOf(complaint)
  return text === '' ? '' : `: ${text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text}`
}

interface Entry {
  readonly level?: string
  readonly msg?: string
  readonly err?: { readonly message?: string }
}

function entryOf(line: string): Entry | undefined {
  try {
    const entry: unknown = JSON.parse(line)
    return typeof entry === 'object' && entry !== null ? entry : undefined
  } catch {
    return undefined
  }
}

function textOf(line: string): string {
  const { msg, err } = entryOf(line) ?? {}
  return [msg, err?.message].filter(Boolean).join(': ')
}

/** Without a logged error: the first line of what went to the console itself, such as Node's own of a crash. */
function plainReason(lines: readonly string[]): string {
  const plain = lines.filter((line) => entryOf(line) === undefined)
  return plain.find((line) => /^\w*(Error|Exception)\b/.test(line)) ?? plain.slice(0, 3).join('; ')
}
