/** One promise, held against what was seen. */
export interface Check {
  readonly name: string
  readonly counted: number
  /** Also a run in which there was nothing to look at. */
  readonly mayBeEmpty?: true
  /** Each says what differs; ids only, no values of customers. */
  readonly wrong: readonly string[]
}
