/** A schema registry as a child process: Apicurio in memory, which speaks Confluent's protocol under one path. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { UserError } from '../../src/core/model/errors.ts'
import { fetchRegistry, findJava, registryVersion } from './artifacts.ts'
import { freePort } from './free-port.ts'
import { startJava, type JavaProcess } from './java-process.ts'
import { silent, type Progress, type Registry } from './parts.ts'

/** Path of Confluent's protocol. */
export const registryPath = '/apis/ccompat/v7'

export interface EmbeddedRegistryOptions {
  readonly progress?: Progress
  readonly environment?: NodeJS.ProcessEnv
  /** Ends a fetch. */
  readonly signal?: AbortSignal
}

/**
 * Resolves when the registry answers.
 * @throws {UserError} when Java or Maven is missing, or the registry does not start.
 */
export async function startEmbeddedRegistry(
  options: EmbeddedRegistryOptions = {},
): Promise<Registry> {
  const environment = options.environment ?? process.env
  const java = await findJava(environment)
  const jar = await fetchRegistry(environment, options.progress ?? silent, options.signal)
  const port = await freePort()
  const folder = await mkdtemp(join(tmpdir(), 'hooktide-registry-'))
  const url = `http://127.0.0.1:${port}${registryPath}`
  let registry: JavaProcess | undefined
  // Nothing of it is kept, so nothing is gained by an orderly end, which takes 2 s.
  const stop = async () => {
    await registry?.kill()
    await rm(folder, { recursive: true, force: true })
  }
  try {
    registry = await startJava({
      title: `Apicurio Registry ${registryVersion}`,
      java,
      args: ['-Dquarkus.http.host=127.0.0.1', `-Dquarkus.http.port=${port}`, '-jar', jar],
      folder,
      environment,
      ready: /Listening on: http/,
    })
    const { ok, status } = await fetch(`${url}/subjects`)
    if (!ok) throw new UserError(`Apicurio Registry answered ${status} to its first question`)
    return { url, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
