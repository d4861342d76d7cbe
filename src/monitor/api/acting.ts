/** Carries out actions for routes, and tells what came of them in the form of the API's errors. */
import { UserError } from '../../core/model/errors.ts'
import type { StoredHook } from '../../commands/hooks/topic.ts'
import type { MonitorView } from '../view.ts'
import type { Action, ActionName, ActionOutcome, ApiParts } from './parts.ts'
import { ApiError } from './route.ts'

/** @throws ApiError 400 or 422 with what the command says */
export async function carryOut(
  { act }: Pick<ApiParts, 'act'>,
  name: ActionName,
  action: Action,
): Promise<ActionOutcome> {
  if (act === undefined) {
    throw new ApiError(403, 'auth.forbidden', 'this monitor only reads: start it with --actions')
  }
  try {
    return await act(name, action)
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    throw refusalBy(name, error)
  }
}

/** What is wrong with the input is told as Logto tells it, anything else by what the command says. */
function refusalBy(name: ActionName, { message, problems, exitCode }: UserError): ApiError {
  const data = problems.length > 0 ? { problems } : undefined
  const isOfInput = exitCode === 2 || (name === 'hooks put' && data !== undefined)
  if (isOfInput) return new ApiError(400, 'guard.invalid_input', message, data)
  return new ApiError(422, 'entity.unprocessable', message, data)
}

/** Logto's codes for a hook that there is not: which one depends on what was to be done with it. */
export type AbsentCode = 'entity.not_exists_with_id' | 'entity.not_exists' | 'entity.not_found'

/** @throws ApiError 404 when there is none; 503 while hooks are not read */
export function storedHook(
  view: MonitorView,
  id: string,
  code: AbsentCode = 'entity.not_exists_with_id',
): StoredHook {
  const stored = loadedHooks(view).get(id)
  if (stored === undefined) throw new ApiError(404, code, `There is no hook ${id}.`)
  return stored
}

/** @throws ApiError 503 while they are not read */
export function loadedHooks({ hooks, readings }: MonitorView): ReadonlyMap<string, StoredHook> {
  if (hooks !== undefined) return hooks
  const trouble = readings.find(({ kind }) => kind === 'hooks')?.trouble
  const message =
    trouble === undefined
      ? 'The topic of hooks is not read yet: ask again.'
      : `The topic of hooks is not read: ${trouble}`
  throw new ApiError(503, 'monitor.not_loaded', message)
}

/** How long what was written may take until it is read. */
const readBackMs = 10_000

/**
 * Waits until what was written was read back, so that who asks next sees it.
 *
 * @throws ApiError 504 when that takes too long
 */
export async function readBack(view: MonitorView, isThere: () => boolean): Promise<void> {
  if (isThere()) return
  const waiting = Promise.withResolvers<void>()
  const stop = view.onChange(() => {
    if (isThere()) waiting.resolve()
  })
  const late = new ApiError(504, 'monitor.not_read_back', 'Written, and not read back yet.')
  const timer = setTimeout(() => waiting.reject(late), readBackMs)
  try {
    await waiting.promise
  } finally {
    stop()
    clearTimeout(timer)
  }
}
