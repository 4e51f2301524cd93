/** Rounds, one after the other, until one has passed in which `count` stayed the same. */
export async function untilSame(count: () => number, round: () => Promise<void>): Promise<void> {
  for (let before = Number.NaN; before !== count(); ) {
    before = count()
    await round()
  }
}
