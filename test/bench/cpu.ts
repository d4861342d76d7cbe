/** What the operating system says that processes used. Linux alone says it; elsewhere nothing is measured. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** USER_HZ, which Linux keeps at this for programs whatever it counts in itself; see proc(5). */
const ticksPerSecond = 100

/**
 * Processor time in user and system mode, in seconds.
 *
 * @param stat text of `/proc/<pid>/stat`: fields 14 and 15 of proc(5). The name before them may have spaces and brackets.
 */
export function cpuSecondsIn(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

/**
 * Most memory that a process ever had in RAM, in MiB.
 *
 * @param status text of `/proc/<pid>/status`
 */
export function peakMiBIn(status: string): number {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? Number.NaN) / 1024
}

/**
 * Memory that a process has in RAM now, in MiB.
 *
 * @param status text of `/proc/<pid>/status`
 */
export function residentMiBIn(status: string): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? Number.NaN) / 1024
}

/** Summed over the processes; not a number where one has ended, or the system does not say. */
export function cpuSecondsOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + cpuSecondsIn(read(pid, 'stat')), 0)
}

/** Of the largest of them. */
export function peakMiBOf(pids: readonly number[]): number {
  return Math.max(...pids.map((pid) => peakMiBIn(read(pid, 'status'))))
}

/** Summed over the processes. */
export function residentMiBOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + residentMiBIn(read(pid, 'status')), 0)
}

/** Open sockets of all kinds, summed over the processes. */
export function socketsOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + socketsOfOne(pid), 0)
}

function socketsOfOne(pid: number): number {
  const folder = `/proc/${pid}/fd`
  try {
    return readdirSync(folder).filter((name) => isSocket(`${folder}/${name}`)).length
  } catch {
    return Number.NaN
  }
}

/** A descriptor may be closed while they are looked through. */
function isSocket(path: string): boolean {
  try {
    return readlinkSync(path).startsWith('socket:')
  } catch {
    return false
  }
}

function read(pid: number, file: 'stat' | 'status'): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return ''
  }
}
