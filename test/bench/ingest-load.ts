/**
 * Sends webhooks of 600 bytes, a process of its own. Each has an event of its own, and is signed as Logto signs. Prints one
 * line of JSON: {@link IngestAnswers}.
 */
import { createHmac, randomUUID } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { percentile } from './figures.ts'

/** The argument of this program, as JSON. */
export interface IngestLoad {
  readonly port: number
  readonly signingKey: string
  readonly events: number
  /**
   * `connections`: each sends its next webhook when it has its answer. `perSecond`: webhooks are due at that rate, on as many
   * connections as that takes, and times count from when they were due.
   */
  readonly pace: { readonly connections: number } | { readonly perSecond: number }
}

export interface IngestAnswers {
  /** From the start to the last answer. */
  readonly seconds: number
  /** Numbers of answers by status; `reset` for a connection that ended without one. */
  readonly statuses: Readonly<Record<string, number>>
  readonly ms: { readonly p50: number; readonly p99: number; readonly max: number }
  readonly connections: number
}

const { port, signingKey, events: total, pace } = JSON.parse(process.argv[2] ?? '{}') as IngestLoad
const perSecond = 'perSecond' in pace ? pace.perSecond : undefined
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
  const signature = createHmac('sha256', signingKey).update(body).digest('hex')
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

  /** Whether it can send another webhook. */
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
    else if (perSecond !== undefined) idle.push(this)
    else if (sent < total) (this.#isClosed ? new Client() : this).send(performance.now())
  }
}

function openClient(): Client {
  let client = idle.pop()
  while (client !== undefined && !client.isOpen()) client = idle.pop()
  return client ?? new Client()
}

const startedAt = performance.now()
// The program that started this one may be killed.
process.stdin.resume().once('end', () => process.exit(1))
if ('connections' in pace) {
  for (let index = 0; index < pace.connections; index += 1) new Client().send(performance.now())
} else {
  const timer = setInterval(() => {
    const due = Math.min(
      total,
      Math.floor(((performance.now() - startedAt) / 1_000) * pace.perSecond),
    )
    while (sent < due) openClient().send(startedAt + (sent / pace.perSecond) * 1_000)
    if (sent === total) clearInterval(timer)
  }, 2)
}

function finish(): void {
  const seconds = (performance.now() - startedAt) / 1_000
  times.sort((one, other) => one - other)
  const ms = {
    p50: percentile(times, 0.5),
    p99: percentile(times, 0.99),
    max: percentile(times, 1),
  }
  const answers: IngestAnswers = { seconds, statuses, ms, connections: opened }
  process.stdout.write(`${JSON.stringify(answers)}\n`)
  process.exit(0)
}
