/**
 * Whoever sends webhooks, a process of its own: `ingest-load.ts <port> <connections> <events> <per second>`. Each event is
 * another one, signed as Logto signs, and of about 600 bytes. With a rate of 0 each connection sends its next webhook when
 * it has its answer; otherwise webhooks are due at that rate whatever is answered, on as many connections as that takes,
 * and times count from when they were due. Prints one line: answers by status, and times in milliseconds.
 */
import { createHmac, randomUUID } from 'node:crypto'
import { connect, type Socket } from 'node:net'

const [port = 0, connections = 0, total = 0, perSecond = 0] = process.argv.slice(2).map(Number)
const key = process.env['HOOKTIDE_INGEST_SIGNING_KEYS'] ?? ''
const run = randomUUID()
const filler = 'x'.repeat(420)
const idle: Client[] = []
const statuses: Record<string, number> = {}
const times: number[] = []
let sent = 0
let answered = 0
let opened = 0

function webhook(index: number): string {
  const body = `{"event":"PostSignIn","createdAt":"2026-09-14T09:02:11.019Z","userId":"u${index % 10_000}","sessionId":"${run}-${index}","userAgent":"${filler}","hookId":"w2f8p6u0c9ydj3ms7ealr"}`
  const signature = createHmac('sha256', key).update(body).digest('hex')
  return `POST /logto HTTP/1.1\r\nhost: x\r\nuser-agent: Logto (https://logto.io/)\r\ncontent-type: application/json\r\nlogto-signature-sha-256: ${signature}\r\ncontent-length: ${body.length}\r\n\r\n${body}`
}

class Client {
  readonly #socket: Socket
  #dueAt = 0
  #isWaiting = false
  #isClosed = false
  #text = ''

  constructor() {
    opened += 1
    this.#socket = connect(port, '127.0.0.1')
    this.#socket.setNoDelay()
    this.#socket.on('data', (piece: Buffer) => this.#read(piece.toString('latin1')))
    this.#socket.on('error', () => undefined)
    this.#socket.once('close', () => {
      this.#isClosed = true
      if (this.#isWaiting) this.#end('reset')
    })
  }

  /** Whether another webhook can be sent by it. */
  isOpen(): boolean {
    return !this.#isClosed
  }

  send(dueAt: number): void {
    this.#dueAt = dueAt
    this.#text = ''
    this.#isWaiting = true
    this.#socket.write(webhook(sent))
    sent += 1
  }

  #read(text: string): void {
    this.#text += text
    // Every answer is one line of JSON.
    if (this.#text.endsWith('}\n')) this.#end(this.#text.slice(9, 12))
  }

  #end(status: string): void {
    this.#isWaiting = false
    statuses[status] = (statuses[status] ?? 0) + 1
    times.push(performance.now() - this.#dueAt)
    answered += 1
    if (answered === total) finish()
    else if (perSecond > 0) idle.push(this)
    else if (sent < total) (this.#isClosed ? new Client() : this).send(performance.now())
  }
}

function openClient(): Client {
  let client = idle.pop()
  while (client !== undefined && !client.isOpen()) client = idle.pop()
  return client ?? new Client()
}

const startedAt = performance.now()
if (perSecond === 0) {
  for (let index = 0; index < connections; index += 1) new Client().send(performance.now())
} else {
  const timer = setInterval(() => {
    const due = Math.min(total, Math.floor(((performance.now() - startedAt) / 1_000) * perSecond))
    while (sent < due) openClient().send(startedAt + (sent / perSecond) * 1_000)
    if (sent === total) clearInterval(timer)
  }, 2)
}

function finish(): void {
  const seconds = (performance.now() - startedAt) / 1_000
  times.sort((one, other) => one - other)
  const at = (share: number) => Math.round(times[Math.floor((times.length - 1) * share)] ?? 0)
  const ms = { p50: at(0.5), p99: at(0.99), most: at(1) }
  const { user, system } = process.cpuUsage()
  const cpuSeconds = (user + system) / 1e6
  process.stdout.write(`${JSON.stringify({ seconds, statuses, ms, opened, cpuSeconds })}\n`)
  process.exit(0)
}
