/** What a caller knows about an id whose absence is to be proven. */
export interface AbsenceEvidence {
  /** The peer's own delete event names this id, so the same "not found" answer is not needed a second time. */
  readonly deleteEvent?: boolean
  /** The id is known to have existed, or is linked, so its absence counts for the absence guard. */
  readonly known?: boolean
}
