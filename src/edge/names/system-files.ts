/** The hosts file and resolv.conf of this machine, and which addresses it has. They are a few seconds old at most. */
import { readFile, stat } from 'node:fs/promises'
import { isIP } from 'node:net'
import { hostname, networkInterfaces } from 'node:os'
import { isGlobalIpv6, type Reach } from './answer.ts'
import { parseHosts, parseResolvConf, type Hosts, type SearchRules } from './files.ts'
import type { MonotonicMs } from '../../core/model/model.ts'
import type { Clock } from '../../ports.ts'

export interface FilePaths {
  readonly hosts: string
  readonly resolvConf: string
}

/** Windows has no resolv.conf, so no domains are searched there. c-ares finds its name servers in another way. */
export const systemPaths: FilePaths = {
  hosts: process.platform === 'win32' ? 'C:\\Windows\\System32\\drivers\\etc\\hosts' : '/etc/hosts',
  resolvConf: '/etc/resolv.conf',
}

export interface SystemFilesOptions {
  readonly clock: Clock
  readonly paths: FilePaths
  readonly reachNow: () => Reach
  /** resolv.conf has changed, and the name servers may have changed with it. */
  readonly onResolvConf: () => void
}

/** They are checked when a name is looked up, no more often than this. */
const lookMs = 3_000
/** Lists of blocked hosts have some MiB. A larger file is no hosts file, and is ignored. */
const maxBytes = 16 * 1024 * 1024

export class SystemFiles {
  readonly #clock: Clock
  readonly #hosts: WatchedFile
  readonly #resolvConf: WatchedFile
  readonly #reachNow: () => Reach
  #lookedAt: MonotonicMs | undefined
  #looking: Promise<void> | undefined
  hosts: Hosts = new Map()
  rules: SearchRules = parseResolvConf('', hostname())
  reach: Reach = { ipv4: true, globalIpv6: false }

  constructor({ clock, paths, reachNow, onResolvConf }: SystemFilesOptions) {
    this.#clock = clock
    this.#reachNow = reachNow
    this.#hosts = new WatchedFile(paths.hosts, (text) => {
      this.hosts = parseHosts(text, isIP)
    })
    this.#resolvConf = new WatchedFile(paths.resolvConf, (text) => {
      this.rules = parseResolvConf(text, hostname())
      if (this.#lookedAt !== undefined) onResolvConf()
    })
  }

  /** Whether they were checked too long ago. */
  get isDue(): boolean {
    return this.#lookedAt === undefined || this.#clock.monotonic() - this.#lookedAt >= lookMs
  }

  /** Checks them if that is due. Never rejects. */
  async look(): Promise<void> {
    if (!this.isDue) return
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined
    })
    await this.#looking
  }

  async #look(): Promise<void> {
    await Promise.all([this.#hosts.look(), this.#resolvConf.look()])
    this.reach = this.#reachNow()
    this.#lookedAt = this.#clock.monotonic()
  }
}

export function systemReach(): Reach {
  try {
    const all = Object.values(networkInterfaces()).flatMap((addresses = []) => addresses)
    const outward = all.filter(({ internal }) => !internal)
    return {
      ipv4: outward.some(({ family }) => family === 'IPv4'),
      globalIpv6: outward.some(({ address }) => isGlobalIpv6(address)),
    }
  } catch {
    // Some sandboxes do not allow to read the network interfaces.
    return { ipv4: true, globalIpv6: false }
  }
}

/** A file that is read again after it was replaced or changed. A missing file counts as empty. */
class WatchedFile {
  readonly #path: string
  readonly #onText: (text: string) => void
  #seen = ''

  constructor(path: string, onText: (text: string) => void) {
    this.#path = path
    this.#onText = onText
  }

  async look(): Promise<void> {
    try {
      const { ino, size, mtimeMs } = await stat(this.#path)
      const seen = `${ino} ${size} ${mtimeMs}`
      if (seen === this.#seen || size > maxBytes) return
      this.#onText(await readFile(this.#path, 'utf8'))
      this.#seen = seen
    } catch (error) {
      // A file that cannot be read for now, such as when there are no free descriptors, counts as unchanged.
      const isAbsent = error instanceof Error && 'code' in error && error.code === 'ENOENT'
      if (!isAbsent || this.#seen === '') return
      this.#seen = ''
      this.#onText('')
    }
  }
}
