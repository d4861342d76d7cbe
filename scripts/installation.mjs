/** Whether node_modules holds what the lock file says. Plain JavaScript: it runs before there is a Node of ours. */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runChild } from './child.mjs'

/**
 * What a lock file says of one package, as far as it matters here.
 * @typedef {object} LockedPackage
 * @property {string} [version]
 * @property {boolean} [optional]
 * @property {readonly string[]} [os]
 * @property {readonly string[]} [cpu]
 * @property {readonly string[]} [libc]
 *
 * By path, such as `node_modules/kafkajs`.
 * @typedef {Readonly<Record<string, LockedPackage>>} LockedPackages
 *
 * @typedef {object} Platform
 * @property {string} os
 * @property {string} cpu
 * @property {string} libc
 */

/**
 * Installs unless node_modules is whole and of this lock file.
 * @param {string} root
 * @returns {Promise<number>} The exit code of npm; 0 when nothing had to be done.
 */
export async function ensureInstalled(root) {
  const lockPath = join(root, 'package-lock.json')
  const lockText = existsSync(lockPath) ? readFileSync(lockPath, 'utf8') : undefined
  const reason = installReason(root, lockText)
  if (reason === undefined) return 0
  const command = lockText === undefined ? 'install' : 'ci'
  console.error(`Installing packages with npm ${command}: ${reason}`)
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  // Its warnings are of this Node, and the packages run on another.
  const args = [command, '--no-audit', '--no-fund', '--loglevel=error']
  const code = await runChild(npm, args, { cwd: root, env: process.env })
  if (code !== 0) {
    console.error(`npm ${command} failed: mend what it says above, then start this again.`)
  } else if (lockText !== undefined) {
    writeFileSync(stampPath(root), stampOf(lockText))
  }
  return code
}

/**
 * @param {string} root
 * @param {string | undefined} lockText
 * @returns {string | undefined}
 */
function installReason(root, lockText) {
  if (lockText === undefined) {
    return existsSync(join(root, 'node_modules')) ? undefined : 'node_modules is missing'
  }
  const installedPath = join(root, 'node_modules/.package-lock.json')
  if (!existsSync(installedPath)) return 'node_modules is missing or was not finished'
  const stamp = stampPath(root)
  const wrong = wrongPackage({
    locked: packagesOf(lockText),
    installed: packagesOf(readFileSync(installedPath, 'utf8')),
    isThere: (path) => existsSync(join(root, path, 'package.json')),
    platform: { os: process.platform, cpu: process.arch, libc: libc() },
    // After an installation of ours, an optional package that is absent is one that cannot be had.
    isBestPossible: existsSync(stamp) && readFileSync(stamp, 'utf8') === stampOf(lockText),
  })
  return wrong === undefined ? undefined : `${wrong} is not what package-lock.json says`
}

/**
 * The path of the first package that is absent or of another version.
 * @param {object} tree
 * @param {LockedPackages} tree.locked What should be there.
 * @param {LockedPackages} tree.installed What npm wrote when it last finished.
 * @param {(path: string) => boolean} tree.isThere
 * @param {Platform} tree.platform
 * @param {boolean} tree.isBestPossible
 * @returns {string | undefined}
 */
export function wrongPackage({ locked, installed, isThere, platform, isBestPossible }) {
  for (const [path, wanted] of Object.entries(locked)) {
    if (path === '') continue
    const found = installed[path]
    if (found === undefined) {
      if (wanted.optional === true && (isBestPossible || !isMadeFor(wanted, platform))) continue
      return path
    }
    if (found.version !== wanted.version || !isThere(path)) return path
  }
  return undefined
}

/**
 * True for a package that names this very platform. One that names none may belong to a package for another platform.
 * @param {LockedPackage} wanted
 * @param {Platform} platform
 */
function isMadeFor({ os, cpu, libc: libcs }, platform) {
  if (os === undefined || cpu === undefined) return false
  return (
    os.includes(platform.os) &&
    cpu.includes(platform.cpu) &&
    (libcs === undefined || libcs.includes(platform.libc))
  )
}

/**
 * @param {string} lockText
 * @returns {LockedPackages}
 */
function packagesOf(lockText) {
  const lock = /** @type {{ readonly packages?: LockedPackages }} */ (JSON.parse(lockText))
  return lock.packages ?? {}
}

/** As npm names it. Only Linux has packages that differ by it. */
function libc() {
  if (process.platform !== 'linux') return ''
  return existsSync('/etc/alpine-release') || existsSync('/lib/ld-musl-x86_64.so.1')
    ? 'musl'
    : 'glibc'
}

/** @param {string} root */
function stampPath(root) {
  return join(root, 'node_modules/.hooktide-lock')
}

/** @param {string} lockText */
function stampOf(lockText) {
  return createHash('sha256').update(lockText).digest('hex')
}
