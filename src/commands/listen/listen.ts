/** `hooktide listen`: a receiver on this machine, which checks the signatures of the calls that come and shows them. */
import { UserError } from '../../core/model/errors.ts'
import type { EpochMs, SigningKey } from '../../core/model/model.ts'
import { prepareKey, signingKeyFault, type PreparedKey } from '../../core/hook/signature.ts'
import { checkLogtoSignature, checkStandardSignature } from '../../core/hook/verification.ts'
import { isJsonObject, parseJson, type JsonObject } from '../../core/text/json.ts'
import { startCallReceiver, type ReceivedCall } from '../../edge/http/call-receiver.ts'
import type { Command, CommandContext } from '../command.ts'
import { encryptionKeysOf } from '../hooks/encryption.ts'
import { hasUndecryptedSecrets, readHooks } from '../hooks/topic.ts'
import { fileOption, readInput } from '../input/input-file.ts'
import { booleanOption, integerOption, textOption } from '../option-values.ts'
import { callJson, callLines, type CheckedCall } from './call-lines.ts'

const defaultPort = 8080
const defaultHost = '127.0.0.1'

export const listenCommand: Command = {
  name: 'listen',
  summary: 'Receive webhooks on this machine, check their signatures, and show them.',
  usage: '[--port <port>] [--hook <id> | -f <file>] [options]',
  examples: ['listen --hook my-hook', 'listen --port 3000 -f hook.json --status 500'],
  options: {
    port: { type: 'string', description: `Port; 0 for any that is free. [${defaultPort}]` },
    host: { type: 'string', description: `Address to listen on. [${defaultHost}]` },
    hook: { type: 'string', description: 'Check with the keys of this hook.', idOf: 'hook' },
    file: { ...fileOption, description: 'Check with the keys of the hook in this JSON file.' },
    status: { type: 'string', description: 'Answer each call with this status. [200]' },
    limit: { type: 'string', description: 'Stop after so many calls. [no limit]' },
    json: { type: 'boolean', description: 'One JSON object per call.' },
  },
  uses: ['kafka', 'registry', 'topics', 'encryption'],
  run,
}

async function run(context: CommandContext): Promise<0> {
  const { print, note, signal } = context
  const host = textOption(context, 'host') ?? defaultHost
  const port = integerOption(context, 'port', 0, 65_535) ?? defaultPort
  const status = integerOption(context, 'status', 200, 599) ?? 200
  const limit = integerOption(context, 'limit', 1, 1e15) ?? Number.POSITIVE_INFINITY
  const isJson = booleanOption(context, 'json')
  const keys = await keysOf(context)
  const enough = Promise.withResolvers<void>()
  let count = 0
  const onCall = (call: ReceivedCall) => {
    if (count === limit) return
    count += 1
    const checked = checkedCall(call, keys, Date.now())
    for (const line of isJson ? [callJson(checked)] : callLines(checked)) print(line)
    if (count === limit) enough.resolve()
  }
  const receiver = await startCallReceiver({ host, port, status, onCall })
  note(
    `Listening on http://${host.includes(':') ? `[${host}]` : host}:${receiver.port}/; Ctrl-C ends.`,
  )
  note(advice)
  if (keys.length === 0)
    note('Signatures are not checked: name a hook with --hook, or its file with -f.')
  signal.addEventListener('abort', () => enough.resolve(), { once: true })
  if (signal.aborted) enough.resolve()
  await enough.promise
  await receiver.stop()
  return 0
}

const advice =
  'Processors call it only with HOOKTIDE_ALLOW_HTTP=true, and HOOKTIDE_ALLOW_CIDRS=127.0.0.0/8 if they run on this machine.'

/** @param keys that are not expired */
function checkedCall(call: ReceivedCall, keys: readonly SigningKey[], now: EpochMs): CheckedCall {
  const prepared = preparedKeys(keys, now)
  const logto = checkLogtoSignature(call, prepared)
  return { ...call, at: now, logto, standard: checkStandardSignature(call, prepared, now) }
}

function preparedKeys(keys: readonly SigningKey[], now: EpochMs): readonly PreparedKey[] {
  return keys
    .filter(({ expiresAt }) => expiresAt === undefined || expiresAt > now)
    .flatMap((key) => prepareKey(key) ?? [])
}

/** @throws UserError when both are given, or the hook has no keys that can be used */
async function keysOf(context: CommandContext): Promise<readonly SigningKey[]> {
  const [hook, file] = [textOption(context, 'hook'), textOption(context, 'file')]
  if (hook !== undefined && file !== undefined) {
    throw new UserError('--hook and -f both say whose keys: give one of them.', 2)
  }
  if (hook !== undefined) return await keysOfHook(context, hook)
  if (file === undefined) return []
  const { name, bytes } = await readInput(context)
  const members = parseJson(bytes)
  if (!isJsonObject(members)) throw new UserError(`${name} is not a JSON object with one hook.`)
  return keysIn(members, name)
}

async function keysOfHook(context: CommandContext, id: string): Promise<readonly SigningKey[]> {
  const stored = (await readHooks(context, encryptionKeysOf(context.settings))).get(id)
  if (stored === undefined) throw new UserError(`There is no hook ${id}.`)
  if (hasUndecryptedSecrets(stored)) {
    throw new UserError(
      `The signing key of hook ${id} is encrypted: set HOOKTIDE_ENCRYPTION_KEYS to check signatures with it.`,
    )
  }
  return keysIn(stored.members, `Hook ${id}`)
}

/** The newest key, and those of a rotation. @throws UserError when the newest is missing, or cannot be used */
export function keysIn(members: JsonObject, name: string): readonly SigningKey[] {
  const { signingKey: key, delivery } = members
  if (typeof key !== 'string' || key === '') throw new UserError(`${name} has no signing key.`)
  const fault = signingKeyFault(key)
  if (fault !== undefined) throw new UserError(`The signing key of ${name} ${fault}.`)
  const previous = isJsonObject(delivery) ? delivery['previousSigningKeys'] : undefined
  return [
    { key, expiresAt: undefined },
    ...(Array.isArray(previous) ? previous : []).flatMap((one: unknown) => previousKey(one) ?? []),
  ]
}

function previousKey(value: unknown): SigningKey | undefined {
  if (!isJsonObject(value)) return undefined
  const { key, expiresAt } = value
  if (typeof key !== 'string' || signingKeyFault(key) !== undefined) return undefined
  return typeof expiresAt === 'number' ? { key, expiresAt } : undefined
}
