/** How a create ended: `id` is the id in the answer, or the id that was sent if the answer names none. `exists`: 409. */
export type Created = { readonly end: 'created'; readonly id: string } | { readonly end: 'exists' }
