import { SERVICES, type ServiceName } from '@sync/shared/kafka/topics'
import { duration } from '../screen.ts'
import { unless } from '../unless.ts'
import { register } from './acts.ts'
import { SIRI } from './cast.ts'
import { percentile } from './percentile.ts'
import { untilAtRest } from './rest.ts'
import type { Stage, Step } from './stage.ts'
import { TENANT } from './system.ts'

const EDITS = 50

/** Edits one after the other, each once the one before has taken effect and the system is quiet. */
export const measured = (latenciesMs: number[]): Step => ({
  at: '16:00',
  title: `Siri is edited ${EDITS} times, one by one, with nothing else going on`,
  needs: ['flow-ingest', 'customer-mapper'],
  withinMs: 120_000,
  async run(stage) {
    const id = SIRI.customerUid
    const { there, linked } = register(stage, 'B2C', SIRI)
    await stage.expect('Siri in Omnium', Promise.all([there, linked]))
    for (let i = 1; i <= EDITS; i++) {
      await stage.expect('quiet webhooks', quiet(stage))
      const mobile = `+4700005${String(i).padStart(3, '0')}`
      const at = stage.inOmnium('B2C', id, ({ phone }) => phone === mobile)
      const since = stage.atTill(() => stage.flow.editCustomer(TENANT, id, { mobile }))
      const latencyMs = (await stage.expect(`edit ${i} in Omnium`, at)) - since
      latenciesMs.push(latencyMs)
      stage.tell(latencyMs)
    }
    const [p50, p99] = [percentile(latenciesMs, 0.5), percentile(latenciesMs, 0.99)]
    stage.show([`p50 ${duration(p50)}, p99 ${duration(p99)}`])
  },
})

/** Nothing is left to do, so what the stand-ins hold now is what they keep. */
export const REST: Step = {
  at: '17:00',
  title: 'The shop closes, and everything comes to rest',
  needs: SERVICES,
  async run(stage) {
    const { admin, prefix, log, signal } = stage
    await stage.expect('quiet webhooks', quiet(stage))
    await stage.expect('all records handled', untilAtRest(admin, prefix, signal))
    await stage.expect('all raw orders and dead letters read', log.untilCaughtUp(signal))
  },
}

/** All webhooks are at their end, but for those that nobody is there to take. */
const quiet = ({ flow, omnium, services, signal }: Stage) => {
  const isTaken = (service: ServiceName) => services.troubleOf(service) === undefined
  const idle = [isTaken('flow-ingest') && flow.webhooks.idle(), isTaken('omnium-ingest') && omnium.webhooks.idle()]
  return unless(signal, Promise.all(idle))
}
