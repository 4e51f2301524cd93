import { type AddressInfo, connect, type Socket } from 'node:net'
import { createServer } from 'node:tls'

/** TLS on a port of its own in front of a server that doesn't speak it. */
export interface TlsInFront {
  readonly port: number
  close(): Promise<void>
}

export async function startTlsInFront(
  certificate: { readonly cert: string; readonly key: string },
  to: { readonly host: string; readonly port: number },
): Promise<TlsInFront> {
  const sockets = new Set<Socket>()
  const keep = (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket)).on('error', () => {})
  }
  const server = createServer(certificate, (client) => {
    const behind = connect(to.port, to.host)
    keep(client)
    keep(behind)
    client.pipe(behind).pipe(client)
  })
  server.on('tlsClientError', () => {})
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}
