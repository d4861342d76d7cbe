/**
 * The files of the real parts. Maven fetches them once into the user's cache folder; afterwards no network is needed.
 * A folder of the cache is complete or absent: it is filled under another name and then renamed, so processes that
 * fetch at the same time cannot meet half of it.
 */
import { execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { UserError } from '../../src/core/model/errors.ts'
import type { Progress } from './parts.ts'

export const kafkaVersion = '4.3.1'
export const registryVersion = '2.6.13.Final'

const log4jVersion = '2.25.3'
const dependencyPlugin = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1'
const oldestJava = 17
const progressIntervalMs = 3_000

/** How to go on without the embedded parts; ends every sentence about what they lack. */
const otherWays = 'start a Docker engine, or name a broker for tests in HOOKTIDE_TEST_BROKERS'

/**
 * A Java that can run the parts: `JAVA_HOME`'s, else the one on the path.
 * @throws {UserError} when there is none, or it is older than 17.
 */
export async function findJava(environment: NodeJS.ProcessEnv): Promise<string> {
  const home = environment['JAVA_HOME'] ?? ''
  const java = home === '' ? 'java' : join(home, 'bin', 'java')
  const install = `install a Java runtime of version ${oldestJava} or newer (Debian: apt-get install openjdk-17-jre-headless), ${otherWays}`
  const answer = await promisify(execFile)(java, ['-version'], { env: environment }).catch(
    () => undefined,
  )
  if (answer === undefined) {
    throw new UserError(`The embedded Kafka needs Java, and "${java}" does not run: ${install}.`)
  }
  const version = /version "(?:1\.)?(\d+)/.exec(answer.stderr)?.[1] ?? '0'
  if (Number(version) < oldestJava) {
    throw new UserError(
      `The embedded Kafka needs Java, and "${java}" is version ${version}: ${install}.`,
    )
  }
  return java
}

/** The class path of Apache Kafka's server and tools. */
export async function fetchKafka(
  environment: NodeJS.ProcessEnv,
  progress: Progress,
  signal?: AbortSignal,
): Promise<string> {
  const folder = await fetchOnce({
    name: `kafka-${kafkaVersion}-log4j-${log4jVersion}`,
    title: `Apache Kafka ${kafkaVersion} (44 MB)`,
    environment,
    progress,
    signal,
    fill: async (target, run) => {
      // A project of its own, next to the jars, because Maven resolves dependencies of projects only.
      const project = join(target, 'pom.xml')
      await writeFile(project, kafkaProject)
      const jars = join(target, 'jars')
      await run([
        '-f',
        project,
        `${dependencyPlugin}:copy-dependencies`,
        `-DoutputDirectory=${jars}`,
      ])
    },
  })
  return join(folder, 'jars', '*')
}

/** The runnable jar of Apicurio Registry, the in-memory variant. */
export async function fetchRegistry(
  environment: NodeJS.ProcessEnv,
  progress: Progress,
  signal?: AbortSignal,
): Promise<string> {
  const artifact = `io.apicurio:apicurio-registry-app:${registryVersion}:tar.gz:all`
  const folder = await fetchOnce({
    name: `apicurio-registry-${registryVersion}`,
    title: `Apicurio Registry ${registryVersion} (142 MB)`,
    environment,
    progress,
    signal,
    fill: (target, run) =>
      run([`${dependencyPlugin}:unpack`, `-Dartifact=${artifact}`, `-DoutputDirectory=${target}`]),
  })
  return join(folder, `apicurio-registry-app-${registryVersion}-runner.jar`)
}

const kafkaProject = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>hooktide</groupId>
  <artifactId>sandbox</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>${kafkaVersion}</version>
    </dependency>
    <dependency>
      <groupId>org.apache.logging.log4j</groupId>
      <artifactId>log4j-slf4j-impl</artifactId>
      <version>${log4jVersion}</version>
    </dependency>
  </dependencies>
</project>
`

type RunMaven = (args: readonly string[]) => Promise<void>

interface Fetch {
  /** Names the folder in the cache: other contents need another name. */
  readonly name: string
  readonly title: string
  readonly environment: NodeJS.ProcessEnv
  readonly progress: Progress
  readonly signal: AbortSignal | undefined
  readonly fill: (target: string, run: RunMaven) => Promise<void>
}

/** Fetches of this process take turns: two Mavens at once would fill the same local repository. */
let lastFetch: Promise<unknown> = Promise.resolve()

async function fetchOnce(wanted: Fetch): Promise<string> {
  const folder = join(cacheFolder(wanted.environment), wanted.name)
  if (existsSync(folder)) return folder
  const fetching = lastFetch.then(() => fetchInto(folder, wanted))
  lastFetch = fetching.catch(() => {})
  return await fetching
}

async function fetchInto(folder: string, wanted: Fetch): Promise<string> {
  const { title, environment, progress, signal, fill } = wanted
  await mkdir(dirname(folder), { recursive: true })
  const target = await mkdtemp(`${folder}.`)
  try {
    progress(`Fetching ${title} by Maven, once`)
    await fill(target, (args) => runMaven(args, { title, target, environment, progress, signal }))
    await rename(target, folder).catch((error: unknown) => {
      // Another process was faster: its folder is as good.
      if (!existsSync(folder)) throw error
    })
    return folder
  } finally {
    await rm(target, { recursive: true, force: true })
  }
}

function cacheFolder(environment: NodeJS.ProcessEnv): string {
  const base = environment['XDG_CACHE_HOME'] ?? ''
  return join(base === '' ? join(homedir(), '.cache') : base, 'hooktide')
}

interface MavenRun {
  readonly title: string
  /** Maven's working directory: it leaves notes of its own there. */
  readonly target: string
  readonly environment: NodeJS.ProcessEnv
  readonly progress: Progress
  readonly signal: AbortSignal | undefined
}

/** Twice at most: what fails for the network's sake mostly succeeds then, and Maven keeps what it has. */
async function runMaven(args: readonly string[], run: MavenRun): Promise<void> {
  refuseAfterInterruption(run)
  if ((await runMavenOnce(args, run)) === undefined) return
  refuseAfterInterruption(run)
  run.progress(`Maven could not fetch ${run.title}: trying once more`)
  const fault = await runMavenOnce(args, run)
  if (fault === undefined) return
  const advice = `Check the network, or the mirror in Maven's settings.xml; or ${otherWays}.`
  throw new UserError(`Maven could not fetch ${run.title}: ${fault}\n${advice}`)
}

function refuseAfterInterruption({ title, signal }: MavenRun): void {
  if (signal?.aborted === true) throw new UserError(`Fetching ${title} was interrupted.`)
}

/** Resolves with what went wrong, or `undefined`. Not in batch mode, which would hide the progress of a large file. */
async function runMavenOnce(args: readonly string[], run: MavenRun): Promise<string | undefined> {
  const child = spawn('mvn', ['-Dstyle.color=never', ...args], {
    cwd: run.target,
    env: run.environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const end = () => void child.kill()
  run.signal?.addEventListener('abort', end)
  const faults: string[] = []
  let nextProgressAt = performance.now() + progressIntervalMs
  // `\r` ends a line for readline too, and Maven redraws its progress with it.
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line.startsWith('[ERROR]')) faults.push(line.slice('[ERROR]'.length).trim())
    const fetched = /^Progress \(\d+\): (.*\S)/.exec(line)?.[1]
    if (fetched === undefined || performance.now() < nextProgressAt) return
    nextProgressAt = performance.now() + progressIntervalMs
    run.progress(`  ${run.title}: ${fetched}`)
  })
  createInterface({ input: child.stderr }).on('line', (line) => faults.push(line))
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('close', resolve)
    child.once('error', (error) => {
      const install = `install Maven (Debian: apt-get install maven), ${otherWays}`
      const message = `The embedded Kafka is fetched by Maven once, and "mvn" does not run: ${install}.`
      reject(new UserError(message, 1, { cause: error }))
    })
  })
  run.signal?.removeEventListener('abort', end)
  return code === 0 ? undefined : (faults.find((fault) => fault !== '') ?? `exit code ${code}`)
}
