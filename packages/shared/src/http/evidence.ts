/** The last answers of a target to two different keys, by when they came. Pure. */
export interface Answers {
  readonly last: Answer | null
  /** The last one to another key than `last`. */
  readonly lastOther: Answer | null
}
interface Answer {
  readonly key: string
  readonly at: number
}

export const noAnswers: Answers = { last: null, lastOther: null }

export function withAnswer({ last, lastOther }: Answers, key: string, at: number): Answers {
  return { last: { key, at }, lastOther: last === null || last.key === key ? lastOther : last }
}

/** Was a key other than `key` answered after `began`? Two keys are enough to remember for that. */
export function answeredSince({ last, lastOther }: Answers, key: string, began: number): boolean {
  const other = last?.key === key ? lastOther : last
  return other !== null && other.at > began
}
