import { createServer } from 'node:http'

/**
 * The sink of `keyed-sink`, a process of its own: answers 204 after `delayMs`, and tells on `GET /stats` how many calls
 * came, for how many keys, how many came out of order (bodies are `{"n": <ascending per key>}`), and when each 100,000th
 * came (ms since its first). Prints its URL.
 */
const delayMs = Number(process.argv[2] ?? 20)
const EVERY = 100_000

const last = new Map<string, number>()
let calls = 0
let violations = 0
let firstAt = 0
const marks: number[] = []

const note = (key: string, body: string) => {
  const { n } = JSON.parse(body) as { n: number }
  const at = performance.now()
  if (calls === 0) firstAt = at
  calls++
  if (calls % EVERY === 0) marks.push(at - firstAt)
  if ((last.get(key) ?? -1) >= n) violations++
  last.set(key, n)
}

const server = createServer((request, response) => {
  if (request.url === '/stats') {
    response.end(JSON.stringify({ calls, violations, keys: last.size, marks }))
    return
  }
  let body = ''
  request.setEncoding('utf8')
  request.on('data', (chunk: string) => {
    body += chunk
  })
  request.on('end', () => {
    note(request.url ?? '', body)
    setTimeout(() => response.writeHead(204).end(), delayMs)
  })
})
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${(server.address() as { port: number }).port}`)
})
