/** Lookups of host names, with a name server and files of the test, on a clock that the test moves. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { Reach } from '../../src/edge/names/answer.ts'
import type { Signal } from '../../src/core/signal/signal.ts'
import type { LookupResult } from '../../src/edge/names/lookup.ts'
import { createNames, type Names } from '../../src/edge/names/names.ts'
import { createHandClock, type HandClock } from './hand-clock.ts'
import { useNameServer, type NameReply, type NameServer } from './name-server.ts'

export const hang: NameReply = { kind: 'hang' }

export function found(...addresses: readonly string[]): NameReply {
  return { kind: 'addresses', addresses }
}

export interface HostNames {
  readonly names: Names
  readonly server: NameServer
  readonly clock: HandClock
  readonly signals: readonly Signal[]
  /** Path of the file of hosts. */
  readonly hosts: string
  readonly writeHosts: (text: string) => Promise<void>
  readonly writeResolvConf: (text: string) => Promise<void>
  /** The addresses of a name, or why it has none. */
  readonly ask: (host: string, tenantId?: string) => Promise<string>
}

export async function useHostNames(
  answer: NameServer['answer'],
  more: {
    /** Name servers that are asked before that of the test. */
    readonly others?: readonly string[]
    /** The name server that is asked instead. */
    readonly only?: string
    readonly resolvConf?: string
    /** What this machine can reach, instead of the real state. */
    readonly reach?: Reach
  } = {},
): Promise<HostNames> {
  const directory = await mkdtemp(join(tmpdir(), 'names-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  const paths = { hosts: join(directory, 'hosts'), resolvConf: join(directory, 'resolv.conf') }
  await writeFile(paths.resolvConf, more.resolvConf ?? 'search\n')
  const server = await useNameServer(answer)
  const clock = createHandClock()
  const signals: Signal[] = []
  const { reach } = more
  const servers = [...(more.others ?? []), more.only ?? server.address]
  const names = createNames({
    clock,
    emit: (signal) => signals.push(signal),
    servers,
    paths,
    ...(reach && { reach: () => reach }),
  })
  onTestFinished(() => names.stop())
  return {
    names,
    server,
    clock,
    signals,
    hosts: paths.hosts,
    writeHosts: (text) => writeFile(paths.hosts, text),
    writeResolvConf: (text) => writeFile(paths.resolvConf, text),
    ask: (host, tenantId = 'default') =>
      new Promise((resolve) => {
        names.lookup(host, tenantId, (result) => resolve(textOf(result)))
      }),
  }
}

function textOf(result: LookupResult): string {
  if (result.kind === 'failure') return result.failure
  return result.addresses.map(({ address }) => address).join(' ')
}
