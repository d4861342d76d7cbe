/**
 * A way for bytes that a test can spoil: it cuts them into slices, holds them, or lets connections go dead without a word.
 * In each direction the bytes stay in order and none is lost, unless their connection is dead.
 */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

export type Passage =
  | { readonly kind: 'whole' }
  /** So many bytes at a time, each `everyMs` after the ones before; 0 is with the next turn of the event loop. */
  | { readonly kind: 'sliced'; readonly bytes: () => number; readonly everyMs: number }
  /** Bytes wait, and connections stay open. */
  | { readonly kind: 'held' }

export interface TcpProxy extends AsyncDisposable {
  readonly port: number
  /** How bytes pass from now on, those that wait as well. */
  pass(passage: Passage): void
  /**
   * Half-open: whoever holds a connection of now goes on holding it, and never hears of it again. New ones work.
   *
   * @returns how many there were
   */
  deaden(): number
}

export interface ProxyOptions {
  readonly target: { readonly host: string; readonly port: number }
  /** 0, the default, is any free one. */
  readonly port?: number
}

/** A direction that holds more reads no more until some has passed. */
const mostWaitingBytes = 1024 * 1024

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
      for (const link of links) link.moveOn()
    },
    deaden() {
      const living = [...links].filter((link) => link.deaden())
      return living.length
    },
    async [Symbol.asyncDispose]() {
      for (const link of links) link.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** One connection of a client, and the one to the target that stands for it. */
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
      // What is still to be passed on goes first.
      if (!hadError && !this.#isDead) this.#directions[1]?.end()
    })
  }

  moveOn(): void {
    for (const direction of this.#directions) direction.moveOn()
  }

  /** False when it was dead already. */
  deaden(): boolean {
    if (this.#isDead) return false
    this.#isDead = true
    for (const direction of this.#directions) direction.stop()
    // What the client goes on to send must be taken, as a network does that has lost it.
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
    to.on('drain', () => this.moveOn())
  }

  /** Ends the way out once all has passed. */
  end(): void {
    this.#isEnding = true
    this.moveOn()
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
    if (this.#waitingBytes > mostWaitingBytes) this.#from.pause()
    this.moveOn()
  }

  /** Passes on what may pass now. */
  moveOn(): void {
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
      this.moveOn()
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
    if (this.#waitingBytes <= mostWaitingBytes) this.#from.resume()
  }
}
