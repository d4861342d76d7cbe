/**
 * A TCP proxy that a test can disturb: it cuts bytes into slices, holds them, or makes connections half-open. In each
 * direction the bytes stay in order, and none is lost unless its connection is dead.
 */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

export type Passage =
  | { readonly kind: 'whole' }
  /** `bytes` at a time, at intervals of `everyMs`. With 0 the next slice follows in the next turn of the event loop. */
  | { readonly kind: 'sliced'; readonly bytes: () => number; readonly everyMs: number }
  /** Bytes wait, and connections stay open. */
  | { readonly kind: 'held' }

export interface TcpProxy extends AsyncDisposable {
  readonly port: number
  /** Sets how bytes pass from now on, including those that wait. */
  pass(passage: Passage): void
  /**
   * Makes the current connections half-open: both ends keep them, but get no bytes or end of them. New ones work.
   *
   * @returns how many connections there were
   */
  makeHalfOpen(): number
}

export interface ProxyOptions {
  readonly target: { readonly host: string; readonly port: number }
  /** 0, the default, means any free port. */
  readonly port?: number
}

/** A direction that holds more bytes than this stops reading until some have passed. */
const maxWaitingBytes = 1024 * 1024

export async function startTcpProxy({ target, port = 0 }: ProxyOptions): Promise<TcpProxy> {
  const links = new Set<Link>()
  let passage: Passage = { kind: 'whole' }
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (near) => {
    const far = connect({ ...target, noDelay: true, allowHalfOpen: true })
    const link = new Link(near, far, () => passage)
    links.add(link)
    near.once('close', () => links.delete(link))
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    pass(next) {
      passage = next
      for (const link of links) link.flush()
    },
    makeHalfOpen() {
      const living = [...links].filter((link) => link.makeHalfOpen())
      return living.length
    },
    async [Symbol.asyncDispose]() {
      for (const link of links) link.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** A connection of a client, and the matching one to the target. */
class Link {
  readonly #near: Socket
  readonly #far: Socket
  readonly #directions: readonly Direction[]
  #isDead = false

  constructor(near: Socket, far: Socket, passage: () => Passage) {
    this.#near = near
    this.#far = far
    this.#directions = [new Direction(near, far, passage), new Direction(far, near, passage)]
    const onFarGone = (): void => {
      if (!this.#isDead) near.resetAndDestroy()
    }
    near.on('error', () => undefined).once('close', () => far.destroy())
    near.once('end', () => {
      if (this.#isDead) near.destroy()
    })
    far.on('error', onFarGone).once('close', (hadError) => {
      // Bytes that still wait are sent first.
      if (!hadError && !this.#isDead) this.#directions[1]?.end()
    })
  }

  flush(): void {
    for (const direction of this.#directions) direction.flush()
  }

  /** Returns false when the connection was dead already. */
  makeHalfOpen(): boolean {
    if (this.#isDead) return false
    this.#isDead = true
    for (const direction of this.#directions) direction.stop()
    // Bytes that the client sends must be read and dropped, as by a network that loses them.
    this.#near.resume()
    this.#far.destroy()
    return true
  }

  destroy(): void {
    this.#near.destroy()
    this.#far.destroy()
  }
}

class Direction {
  readonly #from: Socket
  readonly #to: Socket
  readonly #passage: () => Passage
  readonly #waiting: Buffer[] = []
  #waitingBytes = 0
  #timer: NodeJS.Timeout | NodeJS.Immediate | undefined
  #isEnding = false
  #isStopped = false

  constructor(from: Socket, to: Socket, passage: () => Passage) {
    this.#from = from
    this.#to = to
    this.#passage = passage
    from.on('data', (chunk: Buffer) => this.#take(chunk))
    from.once('end', () => this.end())
    to.on('drain', () => this.flush())
  }

  /** Ends the outgoing side once all bytes have passed. */
  end(): void {
    this.#isEnding = true
    this.flush()
  }

  stop(): void {
    this.#isStopped = true
    this.#waiting.length = 0
    this.#waitingBytes = 0
  }

  #take(chunk: Buffer): void {
    if (this.#isStopped) return
    this.#waiting.push(chunk)
    this.#waitingBytes += chunk.length
    if (this.#waitingBytes > maxWaitingBytes) this.#from.pause()
    this.flush()
  }

  /** Sends the bytes that may pass now. */
  flush(): void {
    if (this.#timer !== undefined || this.#isStopped) return
    const passage = this.#passage()
    if (passage.kind === 'held') return
    while (this.#waiting.length > 0 && !this.#to.writableNeedDrain) {
      this.#give(passage.kind === 'whole' ? Number.POSITIVE_INFINITY : Math.max(1, passage.bytes()))
      if (passage.kind === 'sliced') return this.#moveOnAfter(passage.everyMs)
    }
    if (this.#isEnding && this.#waiting.length === 0) this.#to.end()
  }

  #moveOnAfter(ms: number): void {
    const next = (): void => {
      this.#timer = undefined
      this.flush()
    }
    this.#timer = ms === 0 ? setImmediate(next) : setTimeout(next, ms)
  }

  #give(most: number): void {
    const [first] = this.#waiting
    if (first === undefined) return
    const slice = first.subarray(0, most)
    if (slice.length === first.length) this.#waiting.shift()
    else this.#waiting[0] = first.subarray(slice.length)
    this.#waitingBytes -= slice.length
    if (!this.#to.destroyed) this.#to.write(slice)
    if (this.#waitingBytes <= maxWaitingBytes) this.#from.resume()
  }
}
