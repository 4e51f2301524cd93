/** A value that is mapped: null clears its field, undefined (absent at the source) leaves it. */
export type Mapped = string | null | undefined

/** Both peers write null, `''` or `-` for an empty field: Flow wants a name, so we send `-` for an empty one too. */
export const text = (value: Mapped): Mapped => (value === '' || value === '-' ? null : value)
