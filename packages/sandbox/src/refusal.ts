/** An answer other than success; a handler throws it and the stand-in turns it into a reply. */
export interface Refusal extends Error {
  readonly statusCode: number
}

export function refusal(statusCode: number, message: string): Refusal {
  return Object.assign(new Error(message), { statusCode })
}
