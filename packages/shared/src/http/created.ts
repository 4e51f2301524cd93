/**
 * How a create ended: `id` is the id in the answer, or the id that was sent if the answer names none. `exists`: 409;
 * `answered` is the status and the words of the answer, without personal data.
 */
export type Created =
  | { readonly end: 'created'; readonly id: string }
  | { readonly end: 'exists'; readonly answered?: string }
