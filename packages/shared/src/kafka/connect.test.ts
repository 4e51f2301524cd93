import type { AddressInfo } from 'node:net'
import { createServer, type Server, type Socket } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { createKafka, type KafkaConnection } from './connect.ts'

const open: { server: Server; sockets: Set<Socket> }[] = []
afterEach(() => {
  for (const { server, sockets } of open.splice(0)) {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
})

/** A port that hangs up on everybody, and the first bytes that it got. */
async function hangUp(): Promise<{ port: number; firstByte: Promise<number | undefined> }> {
  const sockets = new Set<Socket>()
  let heard: (byte: number | undefined) => void = () => undefined
  const firstByte = new Promise<number | undefined>((resolve) => {
    heard = resolve
  })
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('data', (data) => {
      heard(Buffer.from(data)[0])
      socket.destroy()
    })
  })
  open.push({ server, sockets })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { port: (server.address() as AddressInfo).port, firstByte }
}

const connection = (port: number, settings: Partial<KafkaConnection> = {}): KafkaConnection => ({
  kafkaBrokers: [`127.0.0.1:${port}`],
  kafkaSsl: false,
  kafkaSaslMechanism: undefined,
  kafkaSaslUsername: undefined,
  kafkaSaslPassword: undefined,
  ...settings,
})

it("writes the client's lines to the logger, with their level and fields", async () => {
  const { port } = await hangUp()
  const lines: { level: string; fields: object; message: string }[] = []
  const to = (level: string) => (fields: object, message: string) => void lines.push({ level, fields, message })
  const logger = { error: to('error'), warn: to('warn'), info: to('info'), debug: to('debug') }

  const admin = createKafka(connection(port), { clientId: 'test', logger, retries: 0 }).admin()
  await expect(admin.connect()).rejects.toThrow()

  expect(lines[0]).toMatchObject({ level: 'error', fields: { component: expect.stringMatching(/^kafkajs\//) } })
  expect(lines[0]?.message).toMatch(/connection|closed/i)
})

it('writes the text of an error that the client hands over for a text', () => {
  const said: string[] = []
  const say = (_fields: object, message: string) => void said.push(message)
  const kafka = createKafka(connection(1), {
    clientId: 'test',
    logger: { error: say, warn: say, info: say, debug: say },
  })

  kafka.logger().error(new Error('SASL PLAIN authentication failed') as unknown as string)

  expect(said).toEqual(['SASL PLAIN authentication failed'])
})

it('writes nothing without a logger', async () => {
  const { port } = await hangUp()

  const admin = createKafka(connection(port), { clientId: 'test', retries: 0 }).admin()

  await expect(admin.connect()).rejects.toThrow()
})

it('speaks TLS when told to', async () => {
  const { port, firstByte } = await hangUp()

  const admin = createKafka(connection(port, { kafkaSsl: true }), { clientId: 'test', retries: 0 }).admin()
  await expect(admin.connect()).rejects.toThrow()

  const tlsHandshake = 22
  expect(await firstByte).toBe(tlsHandshake)
})
