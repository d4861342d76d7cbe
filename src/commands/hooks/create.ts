/** `hooktide hooks create`: a hook from a few options, with an id and a signing key made as Logto makes them. */
import { isEventKey, knownEventKeys } from '../../core/event/event-keys.ts'
import { UserError } from '../../core/model/errors.ts'
import type { JsonObject } from '../../core/text/json.ts'
import type { Command, CommandContext } from '../command.ts'
import { listOption, textOption } from '../option-values.ts'
import { putHooks } from './put.ts'

export const hooksCreateCommand: Command = {
  name: 'hooks create',
  summary: 'Create a hook from a URL and event keys, with a new signing key.',
  usage: '--url <url> --events <keys> [options]',
  examples: [
    'hooks create --url https://a.example/hook --events PostSignIn',
    'hooks create --url https://a.example/ --events User.Created --id crm',
  ],
  options: {
    url: { type: 'string', description: 'Where it is sent to.' },
    events: {
      ...{ type: 'string', isList: true, values: knownEventKeys },
      description: 'Its event keys, separated by commas.',
    },
    id: { type: 'string', description: "Its id; without it, one like Logto's.", idOf: 'hook' },
    name: { type: 'string', description: 'Its name, for people.' },
    tenant: { type: 'string', description: 'Its tenant. [default]', idOf: 'tenant' },
    json: { type: 'boolean', description: 'One JSON object.' },
  },
  uses: ['kafka', 'registry', 'topics', 'destinations', 'encryption'],
  run,
}

async function run(context: CommandContext): Promise<0> {
  const bytes = Buffer.from(JSON.stringify(hookFrom(context)))
  return await putHooks(context, [{ place: '', bytes, line: 1 }], true)
}

/**
 * The hook as its owner would write it, without what is made for it.
 *
 * @throws UserError when an option is missing or wrong
 */
export function hookFrom(context: Pick<CommandContext, 'options'>): JsonObject {
  const url = textOption(context, 'url')
  const events = listOption(context, 'events', isEventKey, 'an event key such as PostSignIn')
  if (url === undefined || events === undefined) {
    throw new UserError('Give --url, and --events with at least one event key.', 2)
  }
  const { username, password, search } = URL.parse(url) ?? {
    username: '',
    password: '',
    search: '',
  }
  if (`${username}${password}${search}` !== '') {
    throw new UserError(
      '--url must have no credentials and no query, since arguments show in the list of processes: "hooktide hooks put" takes such a hook from a file.',
      2,
    )
  }
  const [id, name, tenantId] = ['id', 'name', 'tenant'].map((option) => textOption(context, option))
  return {
    ...(id === undefined ? {} : { id }),
    ...(name === undefined ? {} : { name }),
    ...(tenantId === undefined ? {} : { tenantId }),
    events,
    config: { url },
  }
}
