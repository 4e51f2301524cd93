/**
 * What `work` comes to, or rejects with the signal's reason as soon as that is aborted: for what has no way of its own to
 * give up, such as a question to a broker that does not answer.
 */
export async function unlessAborted<V>(work: Promise<V>, signal: AbortSignal): Promise<V> {
  const aborted = Promise.withResolvers<never>()
  const onAbort = () => aborted.reject(signal.reason)
  if (signal.aborted) onAbort()
  else signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([work, aborted.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
