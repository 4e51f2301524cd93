/** One promise, held against what was seen. */
export interface Check {
  readonly name: string
  readonly counted: number
  /** Each says what differs; ids only, no values of customers. */
  readonly wrong: readonly string[]
}
