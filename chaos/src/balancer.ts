import { createServer, connect as dial, type Socket } from 'node:net'

/** Spreads connections over ports, as a load balancer in front of the instances does. */
export interface Balancer {
  readonly url: string
  /** New connections go to these, by turns. */
  use(ports: readonly number[]): void
  close(): Promise<void>
}

export async function startBalancer(): Promise<Balancer> {
  let ports: readonly number[] = []
  let turn = 0
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    const port = ports[turn++ % Math.max(1, ports.length)]
    if (port === undefined) return socket.destroy()
    const upstream = dial({ port, host: '127.0.0.1' })
    for (const side of [socket, upstream]) {
      open.add(side)
      side.on('close', () => open.delete(side))
    }
    // An end of either side ends the other; what failed needs no word.
    socket.on('error', () => upstream.destroy()).on('close', () => upstream.destroy())
    upstream.on('error', () => socket.destroy()).on('close', () => socket.destroy())
    socket.pipe(upstream).pipe(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  return {
    url: `http://127.0.0.1:${port}`,
    use(next) {
      ports = next
    },
    async close() {
      for (const socket of open) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
