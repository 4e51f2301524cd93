import { connect } from 'node:net'
import type { Hostile } from './hostile-requests.ts'

/** Sends it and answers the statuses that came back; none when the connection was cut. */
export const sendHostile = (port: number, { pieces, ending }: Hostile): Promise<number[]> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    let answer = ''
    const end = () => {
      socket.destroy()
      resolve([...answer.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, status]) => Number(status)))
    }
    socket.setTimeout(20_000, end)
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1')
      // One whose connection stays open is answered too.
      if (ending !== 'reset' && /\r\n\r\n/.test(answer) && !answer.includes('100 Continue')) setTimeout(end, 5)
    })
    socket.on('error', end)
    socket.on('close', end)
    const write = (index: number): void => {
      if (index < pieces.length) {
        socket.write(pieces[index]!, () => setTimeout(() => write(index + 1), pieces.length > 1 ? 10 : 0))
        return
      }
      if (ending === 'half-close') socket.end()
      if (ending === 'reset') socket.resetAndDestroy()
    }
    write(0)
  })
