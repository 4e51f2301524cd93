/** A value that is mapped: null clears its field, undefined (absent at the source) leaves it. */
export type Mapped = string | null | undefined

/** Both peers write null or `''` for an empty field. */
export const text = (value: Mapped): Mapped => (value === '' ? null : value)

/** A name: Flow wants one, so `-` stands for an empty one in both directions. */
export const name = (value: Mapped): Mapped => (value === '-' ? null : text(value))

/** Whether two fields hold the same, empty and absent ones being the same. */
export const same = (a: Mapped, b: Mapped): boolean => (text(a) ?? null) === (text(b) ?? null)
