import type { Queued } from '../kafka/queued.ts'

export interface Item extends Queued {
  readonly n: number
}
let serial = 0
/** A live record that is due. Its tenant stands before the colon of its key. */
export const item = (key: string, over: Partial<Item> = {}): Item => ({
  n: serial++,
  key,
  tenant: key.split(':')[0]!,
  lane: false,
  bytes: 1,
  dueAt: 0,
  ...over,
})
