/** Keeps secrets of hooks off screens, and what was kept off from being written back in their place. */
import { isJsonObject, type JsonObject } from '../core/json-text.ts'
import type { FieldProblem } from '../core/model.ts'

const hidden = '(hidden)'
const secretHeader = /authorization|cookie|token|secret|key|password|credential/i

/** The hook object without keys and without headers that look like credentials. */
export function withoutSecrets(hook: JsonObject): JsonObject {
  return mapSecrets(hook, () => hidden)
}

/** Fields that hold what {@link withoutSecrets} put there. */
export function hiddenFields(hook: JsonObject): readonly FieldProblem[] {
  const problems: FieldProblem[] = []
  mapSecrets(hook, (value, field) => {
    if (value === hidden) {
      const message =
        'was hidden when the hook was shown: leave it out, or get it with --show-secrets'
      problems.push({ field, message })
    }
    return value
  })
  return problems
}

type Change = (value: unknown, field: string) => unknown

function mapSecrets(hook: JsonObject, change: Change): JsonObject {
  return changed(hook, {
    signingKey: (value) => (value === '' ? value : change(value, 'signingKey')),
    config: (config) => changedIn(config, { headers: (headers) => mapHeaders(headers, change) }),
    delivery: (delivery) =>
      changedIn(delivery, { previousSigningKeys: (keys) => mapKeys(keys, change) }),
  })
}

function mapHeaders(headers: unknown, change: Change): unknown {
  if (!isJsonObject(headers)) return headers
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      secretHeader.test(name) ? change(value, `config.headers.${name}`) : value,
    ]),
  )
}

function mapKeys(keys: unknown, change: Change): unknown {
  if (!Array.isArray(keys)) return keys
  return keys.map((one: unknown, index) =>
    changedIn(one, {
      key: (value) => change(value, `delivery.previousSigningKeys[${index}].key`),
    }),
  )
}

type Changes = Readonly<Record<string, (value: unknown) => unknown>>

function changedIn(value: unknown, changes: Changes): unknown {
  return isJsonObject(value) ? changed(value, changes) : value
}

/** Members stay in their order; those that are not there are not made. */
function changed(object: JsonObject, changes: Changes): JsonObject {
  return Object.fromEntries(
    Object.entries(object).map(([name, value]) => [
      name,
      Object.hasOwn(changes, name) ? changes[name]?.(value) : value,
    ]),
  )
}
