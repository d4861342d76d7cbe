import { chmod, mkdir, mkdtemp, readdir, rm, watch, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fetchKafka, fetchRegistry, findJava } from '../../examples/sandbox/artifacts.ts'

let folder = ''

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hooktide-test-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** A program that is the only one on the path besides the system's shell. */
async function pathWith(name: string, script: string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, `#!/bin/sh\n${script}\n`)
  await chmod(path, 0o755)
  return folder
}

describe('looking for Java', () => {
  it('says what to do when there is none', async () => {
    await expect(findJava({ PATH: folder })).rejects.toThrow(
      /^The embedded Kafka needs Java, and "java" does not run: install a Java runtime of version 17 or newer .*HOOKTIDE_TEST_BROKERS\.$/,
    )
  })

  it('says which is too old', async () => {
    const path = await pathWith('java', `echo 'openjdk version "1.8.0_392"' >&2`)
    await expect(findJava({ PATH: path })).rejects.toThrow('"java" is version 8: install')
  })

  it('takes one that is new enough, and JAVA_HOME before the path', async () => {
    const script = `echo 'openjdk version "21" 2023-09-19' >&2`
    expect(await findJava({ PATH: await pathWith('java', script) })).toBe('java')
    const home = join(folder, 'home')
    await mkdir(join(home, 'bin'), { recursive: true })
    await expect(findJava({ PATH: folder, JAVA_HOME: home })).rejects.toThrow(
      `"${join(home, 'bin', 'java')}" does not run`,
    )
  })
})

describe('fetching by Maven', () => {
  const silent = () => {}

  it('says what to do when there is no Maven', async () => {
    await expect(fetchKafka({ PATH: folder, XDG_CACHE_HOME: folder }, silent)).rejects.toThrow(
      /^The embedded Kafka is fetched by Maven once, and "mvn" does not run: install Maven .*HOOKTIDE_TEST_BROKERS\.$/,
    )
    expect(await readdir(join(folder, 'hooktide'))).toEqual([])
  })

  it('tries twice, then says what Maven said, and leaves no half-filled folder', async () => {
    const said: string[] = []
    const path = await pathWith('mvn', 'echo "[ERROR] Unknown host"; exit 1')
    await expect(
      fetchKafka({ PATH: path, XDG_CACHE_HOME: folder }, (message) => said.push(message)),
    ).rejects.toThrow('Maven could not fetch Apache Kafka 4.3.1 (44 MB): Unknown host\n')
    expect(said).toEqual([
      'Fetching Apache Kafka 4.3.1 (44 MB) by Maven, once',
      'Maven could not fetch Apache Kafka 4.3.1 (44 MB): trying once more',
    ])
    expect(await readdir(join(folder, 'hooktide'))).toEqual([])
  })

  it('ends when it is interrupted, and leaves no half-filled folder', async () => {
    const started = join(folder, 'started')
    const path = await pathWith('mvn', `mkdir ${started}; exec tail -f /dev/null`)
    const environment = { PATH: `${path}:/bin:/usr/bin`, XDG_CACHE_HOME: folder }
    const interruption = new AbortController()
    const said: string[] = []
    const tell = (line: string) => said.push(line)
    const fetching = Promise.allSettled([
      fetchKafka(environment, tell, interruption.signal),
      fetchRegistry(environment, tell, interruption.signal),
    ])
    for await (const { filename } of watch(folder)) if (filename === 'started') break
    interruption.abort()
    const outcomes = await fetching
    expect(outcomes.map((outcome) => outcome.status)).toEqual(['rejected', 'rejected'])
    expect(outcomes[0]).toMatchObject({
      reason: { message: 'Fetching Apache Kafka 4.3.1 (44 MB) was interrupted.' },
    })
    expect(said.filter((line) => line.includes('once more'))).toEqual([])
    expect(await readdir(join(folder, 'hooktide'))).toEqual([])
  })

  it('fetches what is wanted twice at a time only once, and never again', async () => {
    const path = await pathWith('mvn', `echo x >> ${join(folder, 'runs')}`)
    const environment = { PATH: `${path}:/bin:/usr/bin`, XDG_CACHE_HOME: folder }
    const both = await Promise.all([
      fetchKafka(environment, silent),
      fetchKafka(environment, silent),
    ])
    expect(both[0]).toBe(both[1])
    expect(await fetchKafka(environment, silent)).toBe(both[0])
    expect(await readdir(join(folder, 'hooktide'))).toHaveLength(1)
  })
})
