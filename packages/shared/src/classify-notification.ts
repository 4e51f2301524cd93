import type { Notification } from './contracts/notification.ts'
import type { Target } from './errors.ts'
import { skipped } from './outcome.ts'
import type { Classified, Delivery } from './stream.ts'

export type NotificationTopic = 'flow.notifications.v1' | 'omnium.notifications.v1'
export type NotificationDelivery = Delivery<NotificationTopic>

const FROM_THE_PEER: readonly Notification['via'][] = ['webhook', 'events-topic']
const FROM_A_LIST: readonly Notification['via'][] = ['sweep', 'backfill']

/**
 * What an ingest service says of a notification; pure. `isOurs` says whether a user at the peer is ours, whose changes are
 * echoes.
 */
export function classifyNotification(
  delivery: NotificationDelivery,
  target: Target,
  isOurs: (user: string) => boolean,
): Classified {
  const notification = delivery.value
  if (notification === null) return { end: skipped('ignored') }
  const repair = notification.repair || delivery.repair
  if (!repair && FROM_THE_PEER.includes(notification.via) && notification.users.some(isOurs)) {
    return { end: skipped('echo') }
  }
  // What a list has seen must not supersede a webhook, whichever was written later: it may end unread, as known, and
  // the change that the webhook announced, made after the list was read, would be lost.
  const listed = isListed(notification) && !repair
  // A later update must not hide that a person was erased, which is what calls for the tombstone.
  const means = listed ? 'listed' : isErasure(notification) ? 'erased' : 'changed'
  return {
    group: `${notification.entity} ${notification.kind ?? ''} ${means}`,
    version: listed ? (notification.version ?? '') : '',
    targets: [target],
    repair,
  }
}

/** A list saw this version: what we have already needs no read. */
export const isListed = ({ via, version }: Notification) => FROM_A_LIST.includes(via) && version !== null
/** The peer says that the object was deleted: part of the proof that it does not exist any more. */
export const isDeletion = ({ action, via }: Notification) => FROM_THE_PEER.includes(via) && /delet/i.test(action ?? '')
/** The peer says that the object is gone, or its person erased. */
export const isErasure = ({ action }: Notification) => /delet|eras|anonym/i.test(action ?? '')
