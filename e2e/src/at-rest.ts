import { eventually } from './eventually.ts'
import type { Syncctl } from './syncctl.ts'
import type { World } from './world.ts'

interface Lag {
  readonly service: string
  readonly topic: string
  readonly partition: number
  readonly lag: number
  readonly oldestWaitingMs: number | null
}

/** Resolves once no service has anything before it; what we wrote comes back as an event. Says what was left if it doesn't. */
export async function atRest(syncctl: Syncctl, world: World): Promise<void> {
  let left: Lag[] = []
  try {
    await eventually('rest', async () => {
      left = (await syncctl.json<Lag>('lag', '--json')).filter(({ lag }) => lag > 0)
      return left.length === 0
    })
  } catch (error) {
    const waiting = left.map((it) => `${it.service} ${it.topic}/${it.partition}: ${it.lag}, ${it.oldestWaitingMs} ms`)
    const outputs = [...world.services].map(([name, service]) => `${name}:\n${service.output().slice(-3_000)}`)
    throw new Error(`no rest: ${waiting.join('; ')}\n${outputs.join('\n')}`, { cause: error })
  }
}
