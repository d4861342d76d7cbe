/** `hooktide hooks rotate-key`: gives a hook a new signing key, and the old one still signs for a while. */
import { randomBytes } from 'node:crypto'
import { formatDuration, parseDuration } from '../../core/model/durations.ts'
import { UserError } from '../../core/model/errors.ts'
import { checkHookInput, newSigningKey } from '../../core/hook/hook.ts'
import { withNewKey } from './key-rotation.ts'
import { standardSecret } from '../../core/hook/signature.ts'
import { filterFault } from '../../edge/filter/cel.ts'
import { hookOperand } from '../id-forms.ts'
import type { Command, CommandContext } from '../command.ts'
import { decryptIfPossible, encryptedIfPossible, encryptionKeysOf } from './encryption.ts'
import {
  hasUndecryptedSecrets,
  problemLine,
  problemsOf,
  readHooks,
  type StoredHook,
} from './topic.ts'
import { writeAll } from '../kafka-session.ts'
import { booleanOption, textOption } from '../option-values.ts'

const defaultOverlap = '24h'
const maxOverlapMs = 365 * 86_400_000

export const hooksRotateKeyCommand: Command = {
  name: 'hooks rotate-key',
  summary: 'Give a hook a new signing key. The old one still signs for a while.',
  usage: '<id> [--overlap <time>]',
  examples: ['hooks rotate-key my-hook', 'hooks rotate-key my-hook --overlap 7d'],
  options: {
    overlap: {
      type: 'string',
      description: `How long webhook-signature carries the old key's signature too, such as 24h; 0s for not at all. [${defaultOverlap}]`,
    },
    json: { type: 'boolean', description: 'One JSON object.' },
  },
  operand: hookOperand,
  uses: ['kafka', 'registry', 'topics', 'encryption'],
  run,
}

async function run(context: CommandContext): Promise<0> {
  const { settings, args, print } = context
  const [id = ''] = args
  const overlapMs = overlapOf(context)
  const keys = encryptionKeysOf(settings)
  const stored = rotatable((await readHooks(context, keys)).get(id), id)
  const now = Date.now()
  const key = newSigningKey(randomBytes(64))
  const hook = withNewKey({ id, ...stored.members }, key, { now, overlapMs })
  const decrypt = decryptIfPossible(keys)
  const faults = checkHookInput(hook, filterFault, decrypt).map(problemLine)
  if (faults.length > 0)
    throw new UserError(`Nothing was written: hook ${id}: ${faults.join('; ')}`)
  const value = Buffer.from(JSON.stringify(encryptedIfPossible(hook, keys)))
  await writeAll(settings, [{ topic: settings.topics.hooks, key: stored.key, value, headers: [] }])
  const hadKey = stored.entry.hook.signingKey !== ''
  const oldKeyExpiresAt = hadKey && overlapMs > 0 ? now + overlapMs : null
  if (booleanOption(context, 'json')) {
    print(JSON.stringify({ id, signingKey: key, oldKeyExpiresAt }))
    return 0
  }
  print(`hook ${id} has a new signing key: ${key}`)
  print(`  for Standard Webhooks libraries: ${standardSecret(key)}`)
  if (oldKeyExpiresAt !== null) {
    const until = new Date(oldKeyExpiresAt).toISOString()
    print(`  webhook-signature carries the old key's signature too until ${until}`)
  }
  return 0
}

type RotatableHook = StoredHook & {
  readonly entry: Extract<StoredHook['entry'], { readonly kind: 'active' }>
}

function rotatable(stored: StoredHook | undefined, id: string): RotatableHook {
  if (stored === undefined) throw new UserError(`There is no hook ${id}.`)
  if (stored.isCaptured) {
    throw new UserError(
      `Hook ${id} is a row captured from a database: change its key there. Nothing was written.`,
    )
  }
  const { entry } = stored
  if (entry.kind === 'active' && hasUndecryptedSecrets(stored)) {
    throw new UserError(
      `The secrets of hook ${id} are encrypted: set HOOKTIDE_ENCRYPTION_KEYS, so that its new key is encrypted too. Nothing was written.`,
    )
  }
  if (entry.kind === 'active') return { ...stored, entry }
  const problems = problemsOf(stored).map(problemLine).join('; ')
  throw new UserError(
    `Hook ${id} is suspended: fix its record first (${problems}). Nothing was written.`,
  )
}

function overlapOf(context: CommandContext): number {
  const text = textOption(context, 'overlap') ?? defaultOverlap
  const overlapMs = text === '0s' || text === '0' ? 0 : parseDuration(text)
  if (overlapMs !== undefined && overlapMs <= maxOverlapMs) return overlapMs
  throw new UserError(
    `--overlap must be a duration up to ${formatDuration(maxOverlapMs)} such as 24h, or 0s, not "${text}".`,
    2,
  )
}
