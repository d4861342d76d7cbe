/**
 * A name server on a free port of 127.0.0.1, over UDP and TCP, whose answers a test chooses. Answers that are too large for
 * UDP are truncated there, as RFC 1035 requires, and complete over TCP.
 */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { parse } from 'ipaddr.js'
import { onTestFinished } from 'vitest'

const rcodes = { formerr: 1, servfail: 2, nxdomain: 3, notimp: 4, refused: 5 } as const

export type NameReply =
  /**
   * Addresses of both families. Each query gets those of its family. `aliases` are the names of CNAME records before them.
   */
  | {
      readonly kind: 'addresses'
      readonly addresses: readonly string[]
      readonly ttl?: number
      readonly aliases?: readonly string[]
    }
  | { readonly kind: keyof typeof rcodes }
  | { readonly kind: 'hang' }
  /** Bytes that are no answer. */
  | { readonly kind: 'nonsense' }

export interface NameQuestion {
  readonly name: string
  readonly family: 4 | 6
  readonly over: 'udp' | 'tcp'
}

export interface NameServer {
  /** The address in the form of the setting. */
  readonly address: string
  readonly questions: readonly NameQuestion[]
  /** Questions about one name. */
  questionsOf(name: string): readonly NameQuestion[]
  answer: (question: NameQuestion) => NameReply
  /** Resolves when this many questions have arrived in total. */
  waitFor(count: number): Promise<void>
  /** From then on its port is closed. */
  stop(): Promise<void>
}

export async function useNameServer(answer: NameServer['answer']): Promise<NameServer> {
  const questions: NameQuestion[] = []
  const waiting = new Set<() => void>()
  const replyTo = (query: Buffer, over: 'udp' | 'tcp'): Buffer | undefined => {
    const question = { ...questionOf(query), over }
    questions.push(question)
    for (const check of waiting) check()
    return encoded(query, question, server.answer(question))
  }
  const { udp, tcp, port } = await bound()
  udp.on('message', (query, { port: from, address }) => {
    const reply = replyTo(query, 'udp')
    if (reply !== undefined) udp.send(reply.length > 512 ? truncated(query) : reply, from, address)
  })
  tcp.on('connection', (socket) => {
    socket.on('error', () => {})
    let read = Buffer.alloc(0)
    socket.on('data', (chunk) => {
      read = Buffer.concat([read, chunk])
      for (let length = lengthOf(read); read.length >= length + 2; length = lengthOf(read)) {
        const reply = replyTo(read.subarray(2, length + 2), 'tcp')
        read = read.subarray(length + 2)
        if (reply !== undefined) socket.write(Buffer.concat([uint16(reply.length), reply]))
      }
    })
    onTestFinished(() => void socket.destroy())
  })
  let isStopped = false
  const stop = async (): Promise<void> => {
    if (isStopped) return
    isStopped = true
    tcp.close()
    await new Promise<void>((resolve) => udp.close(resolve))
  }
  onTestFinished(stop)
  const server: NameServer = {
    address: `127.0.0.1:${port}`,
    questions,
    questionsOf: (name) => questions.filter((question) => question.name === name),
    answer,
    waitFor: (count) =>
      new Promise((resolve) => {
        const check = (): void => {
          if (questions.length < count) return
          waiting.delete(check)
          resolve()
        }
        waiting.add(check)
        check()
      }),
    stop,
  }
  return server
}

/** Uses the same port for both protocols. Another program may use it for one of them, so several are tried. */
async function bound(): Promise<{ udp: Socket; tcp: Server; port: number }> {
  for (;;) {
    const udp = createSocket({ type: 'udp4', recvBufferSize: 4 * 1024 * 1024 })
    udp.bind(0, '127.0.0.1')
    await once(udp, 'listening')
    const { port } = udp.address()
    const tcp = createServer()
    const isBound = await new Promise<boolean>((resolve) => {
      tcp.once('error', () => resolve(false))
      tcp.listen(port, '127.0.0.1', () => resolve(true))
    })
    if (isBound) return { udp, tcp, port }
    udp.close()
  }
}

function questionOf(query: Buffer): Omit<NameQuestion, 'over'> {
  const labels: string[] = []
  let at = 12
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join('.').toLowerCase(), family: query.readUInt16BE(at + 1) === 28 ? 6 : 4 }
}

function encoded(query: Buffer, question: NameQuestion, reply: NameReply): Buffer | undefined {
  if (reply.kind === 'hang') return undefined
  if (reply.kind === 'nonsense') return Buffer.concat([query.subarray(0, 2), Buffer.alloc(9, 0xff)])
  if (reply.kind !== 'addresses') return headed(query, rcodes[reply.kind], [])
  const { aliases = [], ttl = 60 } = reply
  const records: Buffer[] = []
  // A reference to the name of the question, so that thousands of records fit into an answer.
  const ownerBytes = (name: string): Buffer =>
    name === question.name ? uint16(0xc00c) : nameBytes(name)
  let owner = question.name
  for (const alias of aliases) {
    records.push(record(ownerBytes(owner), 5, ttl, nameBytes(alias)))
    owner = alias
  }
  for (const address of reply.addresses) {
    const parsed = parse(address)
    const family = parsed.kind() === 'ipv6' ? 6 : 4
    if (family !== question.family) continue
    const type = family === 6 ? 28 : 1
    records.push(record(ownerBytes(owner), type, ttl, Buffer.from(parsed.toByteArray())))
  }
  return headed(query, 0, records)
}

/** Header, question and answers; no other sections. */
function headed(query: Buffer, rcode: number, records: readonly Buffer[], flags = 0): Buffer {
  const header = Buffer.concat([
    query.subarray(0, 2),
    uint16(0x8180 | flags | rcode),
    uint16(1),
    uint16(records.length),
    Buffer.alloc(4),
  ])
  const questionEnd = query.indexOf(0, 12) + 5
  return Buffer.concat([header, query.subarray(12, questionEnd), ...records])
}

function truncated(query: Buffer): Buffer {
  return headed(query, 0, [], 0x0200)
}

function record(owner: Buffer, type: number, ttl: number, data: Buffer): Buffer {
  const life = Buffer.alloc(4)
  life.writeUInt32BE(ttl)
  return Buffer.concat([owner, uint16(type), uint16(1), life, uint16(data.length), data])
}

function nameBytes(name: string): Buffer {
  const labels = name.split('.').map((label) => {
    const bytes = Buffer.from(label, 'latin1')
    return Buffer.concat([Buffer.from([bytes.length]), bytes])
  })
  return Buffer.concat([...labels, Buffer.from([0])])
}

function uint16(value: number): Buffer {
  return Buffer.from([value >> 8, value & 0xff])
}

/** The size of the next message of a TCP connection. It is larger than what has arrived while the length is not complete. */
function lengthOf(read: Buffer): number {
  return read.length < 2 ? Infinity : read.readUInt16BE(0)
}
