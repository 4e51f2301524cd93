import { expect, it } from 'vitest'
import { endsOf, givenProducer } from '../testing/given-producer.ts'
import { settle } from '../testing/manual-time.ts'

const closed = 'kafka-unavailable: producing to kafka: the producer was closed'

it('a producer that is closed fails at once the records that wait for a request under way', async () => {
  const { fake, send, producer } = await givenProducer({ a: [1] })
  await send('a', '0')
  fake.broker(1).isHung = true
  const leaving = send('a', '1')
  await settle()
  const waiting = Promise.allSettled([send('a', '2'), send('a', '3')])

  await producer.disconnect()

  expect(endsOf(await waiting)).toEqual([closed, closed])
  fake.goOn(1)
  await leaving
  await settle()
  expect(fake.values('a')).toEqual(['0', '1'])
})

it('a producer that is closed sends nothing that has not left', async () => {
  const { fake, send, producer } = await givenProducer({ a: [1] })
  fake.broker(1).isBusy = true
  const all = Promise.allSettled([send('a', '1')])
  await settle()

  await producer.disconnect()
  fake.stopBeingBusy(1)

  expect(endsOf(await all)).toEqual([closed])
  expect(fake.requests).toEqual([])
})

it('a producer that is closed fails at once the records whose leader is looked for, and begins no other lookup', async () => {
  const { fake, send, producer } = await givenProducer({ a: [1], b: [1] })
  const lookup = Promise.withResolvers<void>()
  fake.metadata = lookup.promise
  const waiting = Promise.allSettled([send('a', '1'), send('b', '2')])

  await producer.disconnect()

  expect(endsOf(await waiting)).toEqual([closed, closed])
  lookup.resolve()
  await settle()
  expect([fake.lookups, fake.requests]).toEqual([1, []])
})
