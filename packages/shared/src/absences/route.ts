/**
 * The by-id reads of one target and one kind. A failure of one route says nothing about the other routes, because a gateway
 * sends each path its own way. `customer` is Flow's, `B2C` and `B2B` are Omnium's.
 */
export type Route = 'customer' | 'B2C' | 'B2B' | 'order'
