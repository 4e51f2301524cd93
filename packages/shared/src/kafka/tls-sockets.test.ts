import { writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer as createPlainServer } from 'node:net'
import { join } from 'node:path'
import { createServer, type TlsOptions } from 'node:tls'
import { afterEach, describe, expect, it } from 'vitest'
import { type Authority, createAuthority, issue } from '../testing/certificates.ts'
import { tmpFiles } from '../testing/tmp-files.ts'
import type { TlsFiles } from './tls-files.ts'
import { createTlsSockets } from './tls-sockets.ts'

const { folder, file } = tmpFiles()

const authority = createAuthority('Acme CA')
const caFile = file('ca.pem', authority.cert)

const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

/** A broker's listener, as far as the handshake, and the names that clients asked for. */
async function listening(options: TlsOptions) {
  const names: (string | false)[] = []
  const server = createServer(options, (socket) => {
    socket.on('error', () => {})
    names.push((socket as { servername?: string | false }).servername ?? false)
    socket.write('hello')
  })
  server.on('tlsClientError', () => {})
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => server.close())
  return { port: (server.address() as AddressInfo).port, names }
}
const certificateFor = (hosts: readonly string[], of: Authority = authority, times = {}) => {
  const { cert, key } = issue(of, { name: 'broker', hosts, ...times })
  return { cert, key }
}

/** Resolves with what the broker says once the client's certificate is accepted too, rejects with the error. */
const greeted = (factory: ReturnType<typeof createTlsSockets>, host: string, port: number) =>
  new Promise<string>((resolve, reject) => {
    const socket = factory({ host, port, ssl: {} as never, onConnect: () => {} })
    closing.push(() => socket.destroy())
    socket.once('data', (data) => resolve(String(data)))
    socket.once('error', reject)
  })
const messageOf = (work: Promise<unknown>) =>
  work.then(
    () => expect.unreachable('the handshake should fail'),
    (error: Error) => error.message,
  )

describe('a broker', () => {
  it('is trusted by the authority of the file, at its name and at its address', async () => {
    const { port, names } = await listening(certificateFor(['localhost', '127.0.0.1']))
    const connect = createTlsSockets({ caFile })

    expect(await greeted(connect, 'localhost', port)).toBe('hello')
    expect(await greeted(connect, '127.0.0.1', port)).toBe('hello')

    // The name is sent to it, an address is not: no server name may be one.
    expect(names).toEqual(['localhost', false])
  })

  it.each([
    ['localhost', ['127.0.0.1', 'broker.example']],
    ['127.0.0.1', ['localhost', '127.0.0.2']],
  ])('that is reached at %s and has a certificate for %j is refused', async (host, hosts) => {
    const { port } = await listening(certificateFor(hosts))

    expect(await messageOf(greeted(createTlsSockets({ caFile }), host, port))).toContain('does not match certificate')
  })

  it('of an unknown authority is refused, and the advice names the variable', async () => {
    const { port } = await listening(certificateFor(['localhost'], createAuthority('Another CA')))

    for (const files of [{ caFile }, {}]) {
      const message = await messageOf(greeted(createTlsSockets(files), 'localhost', port))
      expect(message).toMatch(/unable to verify the first certificate.*KAFKA_SSL_CA_FILE/)
    }
  })

  it('with a certificate that has expired is refused', async () => {
    const { port } = await listening(
      certificateFor(['localhost'], authority, { notAfter: new Date(Date.now() - 1_000) }),
    )

    expect(await messageOf(greeted(createTlsSockets({ caFile }), 'localhost', port))).toContain(
      'certificate has expired',
    )
  })

  it('without TLS is told by the advice', async () => {
    const server = createPlainServer((socket) => {
      socket.on('error', () => {})
      socket.once('data', () => socket.destroy())
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    closing.push(() => server.close())
    const { port } = server.address() as AddressInfo

    expect(await messageOf(greeted(createTlsSockets({ caFile }), '127.0.0.1', port))).toContain(
      'does this port speak TLS',
    )
  })
})

describe('our own certificate', () => {
  const mutual = { ca: authority.cert, requestCert: true, rejectUnauthorized: true }
  const files = (of: Authority, name: string): TlsFiles => {
    const { cert, key } = issue(of, { name: 'flow-ingest' })
    return { caFile, certFile: file(`${name}.pem`, cert), keyFile: file(`${name}-key.pem`, key) }
  }

  it('is shown to a broker that asks for it', async () => {
    const { port } = await listening({ ...certificateFor(['localhost']), ...mutual })

    expect(await greeted(createTlsSockets(files(authority, 'own')), 'localhost', port)).toBe('hello')
  })

  it('is asked for when it is not set', async () => {
    const { port } = await listening({ ...certificateFor(['localhost']), ...mutual })

    expect(await messageOf(greeted(createTlsSockets({ caFile }), 'localhost', port))).toContain(
      'wants a certificate of ours',
    )
  })
})

describe('files that change', () => {
  const given = () => {
    const lines: string[] = []
    const log = (fields: object, message: string) => void lines.push(`${message} ${JSON.stringify(fields)}`)
    return { lines, logger: { info: log, warn: log } }
  }

  it('are in use from the next connection on', async () => {
    const next = createAuthority('Next CA')
    const before = await listening(certificateFor(['localhost']))
    const after = await listening(certificateFor(['localhost'], next))
    const path = file('rotated.pem', authority.cert)
    const { lines, logger } = given()
    const connect = createTlsSockets({ caFile: path }, logger)
    await greeted(connect, 'localhost', before.port)

    writeFileSync(path, next.cert)

    expect(await greeted(connect, 'localhost', after.port)).toBe('hello')
    expect(await messageOf(greeted(connect, 'localhost', before.port))).toContain('unable to verify')
    expect(lines).toEqual([expect.stringContaining('the files of TLS have changed')])
  })

  it('and are not right leave those of before in use, and say so once', async () => {
    const { port } = await listening(certificateFor(['localhost']))
    const path = file('half.pem', authority.cert)
    const { lines, logger } = given()
    const connect = createTlsSockets({ caFile: path }, logger)
    await greeted(connect, 'localhost', port)

    writeFileSync(path, '-----BEGIN CERT')

    expect(await greeted(connect, 'localhost', port)).toBe('hello')
    expect(await greeted(connect, 'localhost', port)).toBe('hello')
    expect(lines).toEqual([expect.stringMatching(/those of before are used.*holds no certificate/)])
  })

  it('and are not right at the first connection fail it', () => {
    const connect = createTlsSockets({ caFile: join(folder, 'none.pem') })

    expect(() => connect({ host: 'localhost', port: 1, ssl: {} as never, onConnect: () => {} })).toThrow(
      "can't be read",
    )
  })
})
