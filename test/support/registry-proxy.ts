/** A proxy to a registry. A test can make it pass bytes, hang, or refuse connections. */
import { createServer, connect, type Server, type Socket } from 'node:net'
import { once } from 'node:events'

export interface RegistryProxy extends AsyncDisposable {
  /** The URL of the registry through the proxy. */
  readonly url: string
  /** Accepts connections and never answers. Open connections are closed. */
  hang(): Promise<void>
  /** Refuses connections. Open connections are closed. */
  down(): Promise<void>
  pass(): Promise<void>
  /** The number of connections accepted since it hangs. */
  readonly hanging: Promise<void>
}

export async function startRegistryProxy(registryUrl: string): Promise<RegistryProxy> {
  const target = new URL(registryUrl)
  const sockets = new Set<Socket>()
  let isHanging = false
  let taken = Promise.withResolvers<void>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined)
    if (isHanging) {
      taken.resolve()
      return
    }
    const onward = connect(Number(target.port), target.hostname).on('error', () => socket.destroy())
    sockets.add(onward)
    onward.on('close', () => {
      sockets.delete(onward)
      socket.destroy()
    })
    socket.on('close', () => onward.destroy())
    socket.pipe(onward).pipe(socket)
  })
  await listen(server, 0)
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const drop = () => sockets.forEach((socket) => socket.destroy())
  const close = async () => {
    if (!server.listening) return
    server.close()
    drop()
    await once(server, 'close')
  }
  const open = async (hangs: boolean) => {
    isHanging = hangs
    drop()
    if (!server.listening) await listen(server, port)
  }
  return {
    url: Object.assign(new URL(registryUrl), { host: `127.0.0.1:${port}` }).href,
    async hang() {
      taken = Promise.withResolvers<void>()
      await open(true)
    },
    down: close,
    pass: () => open(false),
    get hanging() {
      return taken.promise
    },
    [Symbol.asyncDispose]: close,
  }
}

async function listen(server: Server, port: number): Promise<void> {
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
}
