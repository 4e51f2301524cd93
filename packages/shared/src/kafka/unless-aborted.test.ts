import { expect, it } from 'vitest'
import { unlessAborted } from './unless-aborted.ts'

const never = new Promise<never>(() => {})

it('is the work’s own end while nobody aborts', async () => {
  const { signal } = new AbortController()

  expect(await unlessAborted(Promise.resolve('read'), signal)).toBe('read')
  await expect(unlessAborted(Promise.reject(new Error('no broker')), signal)).rejects.toThrow('no broker')
})

it('is over at once when it is aborted, before or meanwhile', async () => {
  const stopping = new AbortController()
  const waiting = unlessAborted(never, stopping.signal)
  stopping.abort(new Error('stopping'))

  await expect(waiting).rejects.toThrow('stopping')
  await expect(unlessAborted(never, stopping.signal)).rejects.toThrow('stopping')
})
