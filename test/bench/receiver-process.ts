/** The endpoint of the benchmark, a process of its own: answers 200 at once, but never what is sent to /hang. Prints its port, ends with its input. */
import { createServer } from 'node:http'

const server = createServer((request, response) => {
  request.resume()
  if (request.url === '/hang') return
  request.on('end', () => response.writeHead(200, { 'content-length': '0' }).end())
})
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (typeof address === 'object' && address !== null) process.stdout.write(`${address.port}\n`)
})
process.stdin.resume().on('end', () => process.exit(0))
