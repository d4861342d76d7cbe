/**
 * The endpoints of the benchmarks, a process of its own. What the path says is done: `/ok/…` answers 200 at once,
 * `/after/<ms>/…` after so long, `/within/<ms>/…` after a random part of it, `/hang/…` never. `/stats` tells how many
 * calls came, and of how many deliveries. Prints its port, ends with its input.
 */
import { createServer, type ServerResponse } from 'node:http'

let calls = 0
let deliveries = new Set<unknown>()

function answer(response: ServerResponse, url: string): void {
  const [, kind, ms] = url.split('/')
  const end = () => response.writeHead(200, { 'content-length': '0' }).end()
  if (kind === 'hang') return
  if (kind === 'after') setTimeout(end, Number(ms))
  else if (kind === 'within') setTimeout(end, Number(ms) * Math.random())
  else end()
}

const server = createServer((request, response) => {
  const { url = '/' } = request
  if (url === '/stats') {
    response.end(JSON.stringify({ calls, deliveries: deliveries.size }))
    return
  }
  if (url === '/forget') {
    calls = 0
    deliveries = new Set()
    response.end()
    return
  }
  calls += 1
  deliveries.add(request.headers['webhook-id'])
  request.resume().on('end', () => answer(response, url))
})
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (typeof address === 'object' && address !== null) process.stdout.write(`${address.port}\n`)
})
process.stdin.resume().on('end', () => process.exit(0))
