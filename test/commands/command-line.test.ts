import { describe, expect, it } from 'vitest'
import { parseArguments } from '../../src/commands/arguments.ts'
import { chooseCommand } from '../../src/commands/command-choice.ts'
import { commandList, loaded } from '../../src/commands/command-list.ts'
import { commandHelp, familyHelp, overview } from '../../src/commands/help.ts'
import { readSettings } from '../../src/settings/settings.ts'
import { settingRows } from '../../src/settings/table.ts'
import { UserError } from '../../src/core/model/errors.ts'
import { unknownVariables } from '../../src/settings/names.ts'

const commands = await loaded(commandList)

function commandOf(name: string) {
  const command = commands.find((one) => one.name === name)
  if (command === undefined) throw new Error(`There is not a command ${name}`)
  return command
}

function faultOf(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    if (error instanceof UserError && error.exitCode === 2) return error.message
    throw error
  }
  return ''
}

const chosen = (line: string) => chooseCommand(commands, line.split(' '))

describe('the list of commands', () => {
  it('has each command once, by the name that the command itself has', () => {
    expect(commandList.map(({ name }) => name)).toEqual(commands.map(({ name }) => name))
    expect(new Set(commandList.map(({ name }) => name)).size).toBe(commandList.length)
  })
})

describe('the command that is meant', () => {
  it.each([
    ['hooks put -f x', { kind: 'command', command: { name: 'hooks put' }, rest: ['-f', 'x'] }],
    ['help hooks put', { kind: 'command-help', command: { name: 'hooks put' } }],
    ['--help run', { kind: 'command-help', command: { name: 'run' } }],
    ['help', { kind: 'overview', family: undefined, isAll: false }],
    ['help --json', { kind: 'overview', family: undefined, isAll: false }],
    ['--help --all', { kind: 'overview', family: undefined, isAll: true }],
    ['help hooks put --all', { kind: 'command-help', isAll: true }],
    ['hooks --help --all', { kind: 'overview', isAll: true }],
    ['help hooks --all', { kind: 'overview', isAll: true }],
    ['--version', { kind: 'version' }],
    ['-V', { kind: 'version' }],
  ])('%s', (line, choice) => {
    expect(chosen(line)).toMatchObject(choice)
  })

  it.each(['hooks --help', 'hooks help', 'help hooks'])(
    '%s is about the hooks commands',
    (line) => {
      const choice = chosen(line)
      const family = choice.kind === 'overview' ? choice.family : undefined
      expect(family?.map(({ name }) => name)).toContain('hooks put')
      expect(family?.map(({ name }) => name)).not.toContain('run')
    },
  )

  it.each([
    ['hoks put', '"hoks put" is not a command: did you mean hooks put?'],
    ['hook', '"hook" is not a command: did you mean hooks put, hooks'],
    ['hooks ls', '"hooks ls" is not a command: did you mean hooks list?'],
    ['hooks puts -f x', '"hooks puts" is not a command: did you mean hooks put?'],
    ['hooks pu', '"hooks pu" is not a command: did you mean hooks put?'],
    ['hooks frobnicate', '"hooks frobnicate" is not a command: did you mean hooks put, hooks'],
    ['hooks', '"hooks" is only the first word of a command: did you mean hooks put,'],
    ['validate x.json', '"validate" is not a command: did you mean events validate?'],
    ['reslts --json', '"reslts" is not a command: did you mean results?'],
    ['frobnicate', '"frobnicate" is not a command. See "hooktide --help".'],
    ['help frobnicate', '"frobnicate" is not a command. See'],
    ['--brokers x init', 'put the command before its options'],
    ['--egress-proxy=http://me:hunter2@a init', 'hooktide <command> --egress-proxy ...'],
    ['hunter2 init', '"(hidden)" is not a command.'],
  ])('is suggested if there is no such command: %s', (line, message) => {
    expect(faultOf(() => chosen(line))).toContain(message)
  })
})

describe('arguments of a command', () => {
  const parsed = (name: string, ...words: string[]) => parseArguments(commandOf(name), words)

  it('are its options, settings as flags, and operands', () => {
    const words = ['a', '--brokers', 'b:1', '--json', '--', '--odd']
    expect(parsed('hooks delete', ...words)).toEqual({
      kind: 'call',
      args: ['a', '--odd'],
      options: { json: true },
      flags: { brokers: 'b:1' },
    })
  })

  it('take a single dash as a value, and a value that begins with a dash behind a =', () => {
    expect(parsed('events send', '-f', '-', '--key=-k')).toMatchObject({
      options: { file: '-', key: '-k' },
    })
  })

  it.each([
    [
      ['--hook', 'a,b, c'],
      ['a', 'b', 'c'],
    ],
    [
      ['--hook', 'a', '--hook=b,c'],
      ['a', 'b', 'c'],
    ],
    [
      ['--hook', 'a\\,b,c'],
      ['a,b', 'c'],
    ],
    [
      ['--hook', 'a\\', '--hook', 'b\\c'],
      ['a\\', 'b\\c'],
    ],
  ])('are lists where an option takes several values: %j', (words, hook) => {
    expect(parsed('results', ...words)).toMatchObject({ options: { hook } })
    expect(parsed('replay', ...words)).toMatchObject({ options: { hook } })
  })

  it('lead to help with the settings with --help and --all, in either order', () => {
    expect(parsed('init', '--all', '--help')).toEqual({ kind: 'help', isAll: true })
    expect(parsed('endpoints list', '-h', '--all')).toEqual({ kind: 'help', isAll: true })
  })

  it('lead to help with --help, whatever else is wrong', () => {
    expect(parsed('init', '--partions', '-h')).toEqual({ kind: 'help', isAll: false })
  })

  it.each([
    [['init', '--partions', '3'], '--partions is not known: did you mean --partitions?'],
    [['init', '--topic-prefx=x'], '--topic-prefx is not known: did you mean --topic-prefix?'],
    [['init', '-q'], '-q is not known.'],
    [['monitor', '--port', '1'], '--port is not known: did you mean --monitor-port?'],
    [['ingest', '--port=1'], '--port is not known: did you mean --http-port or --ingest-port?'],
    [['monitor', '--password=1'], '--password is not known. Pass secrets'],
    [['init', '--no-json'], '--no-json is not known.'],
    [['init', '--registry-password', 'x'], 'Pass secrets as environment variables'],
    [['init', '--partitions'], '--partitions needs a value.'],
    [['init', '--partitions='], '--partitions needs a value.'],
    [['events send', '-f'], '-f needs a value.'],
    [['results', '--limit', '--json'], '--limit needs a value. If it is "--json", write --limit='],
    [['results', '--follow=yes'], '--follow takes no value, but got "yes".'],
    [['results', '--user', 'a', '--user', 'b'], '--user is given more than once'],
    [['events send', 'x.json'], 'but got "x.json". Give a file as -f x.json.'],
    [['run', 'x'], 'takes no arguments, but got "x".'],
    [['hooks get'], 'needs the id of a hook.'],
    [['hooks get', 'a', 'b'], 'takes one argument, the id of a hook, but got "a", "b".'],
    [['hooks delete'], 'needs the ids of hooks.'],
    [['hooks rotate-key', 'crm', 'Qm3Vx8Zc1Lk6'], 'but got "crm", "(hidden)".'],
    [['run', 'KAFKA_SASL_PASSWORD=hunter2'], 'takes no arguments, but got "(hidden)".'],
    [['run', 'http://me:hunter2@a.example'], 'takes no arguments, but got "(hidden)//(hidden)".'],
    [
      ['hooks rotate-key', '--key', 'hunter2'],
      'Pass secrets as environment variables, or in the file',
    ],
    [['run', '--encryption-keys', 'hunter2'], '--encryption-keys is not known. Pass secrets as'],
    [['hooks encrypt', '--encryption-key=a'], '--encryption-key is not known. Pass secrets as'],
    [['hooks encrypt', '--encryption-keys-fil=a'], 'did you mean --encryption-keys-file?'],
    [['hooks get', '--hunter2'], '--(hidden) is not known.'],
    [['events send', '--keyy', 'a'], '--keyy is not known: did you mean --key?'],
    [
      ['hooks put', '--authorization=hunter2'],
      'Pass secrets as environment variables, or in the file',
    ],
    [['results', '--follow=hunter2'], '--follow takes no value, but got "(hidden)".'],
    [['results', '--limit', '-phunter2'], '--limit needs a value. If it is "(hidden)"'],
  ])('that are wrong are named with what to do: %j', ([name = '', ...words], message) => {
    const fault = faultOf(() => parsed(name, ...words))
    expect(fault).toContain(message)
    expect(fault.startsWith(`hooktide ${name}: `)).toBe(true)
    expect(fault.endsWith(`See "hooktide ${name} --help".`)).toBe(true)
  })

  it.each([
    ['hooks get', 'x'.repeat(129), 'hook'],
    ['hooks get', 'x'.repeat(300_000), 'hook'],
    ['hooks get', 'with a space', 'hook'],
    ['hooks get', '', 'hook'],
    ['hooks delete', '{"id":"a"}', 'hook'],
    ['hooks rotate-key', '"a"', 'hook'],
    ['hooks test', 'a\u202eb', 'hook'],
    ['endpoints enable', '\ud800', 'hook'],
    ['endpoints disable', 'x'.repeat(129), 'hook'],
    ['resend', 'dlv_4pX0cV3mJrKq8sT1uWyZ2', 'delivery'],
    ['resend', `dlv_${'x'.repeat(300_000)}`, 'delivery'],
  ])('of %s are refused if they cannot be an id, with a short message: %#', (name, word, what) => {
    const fault = faultOf(() => parsed(name, ...(name === 'hooks delete' ? ['a'] : []), word))
    expect(fault).toContain(`is not the id of a ${what}: `)
    expect(fault.length).toBeLessThan(250)
  })

  it.each([
    ['results', 'hook', 'x'.repeat(129), 'the id of a hook: text of 1 to 128'],
    ['results', 'tenant', 'a b', 'the id of a tenant: text of 1 to 128'],
    ['results', 'delivery', 'dlv_x', 'the id of a delivery: dlv_ and 22 characters'],
    ['hooks list', 'tenant', 'x'.repeat(300_000), 'the id of a tenant: text of 1 to 128'],
    ['endpoints list', 'tenant', 'x'.repeat(129), 'the id of a tenant: text of 1 to 128'],
    ['events send', 'tenant', 'x'.repeat(129), 'the id of a tenant: text of 1 to 128'],
  ])('as options of %s are refused if they cannot be an id: --%s', (name, option, value, said) => {
    const fault = faultOf(() => parsed(name, `--${option}=${value}`))
    expect(fault).toContain(`--${option} must be ${said}`)
    expect(fault.length).toBeLessThan(250)
  })

  it('are ids up to their bounds', () => {
    const id = 'ü'.repeat(128)
    expect(parsed('hooks delete', id, '-').kind).toBe('call')
    expect(parsed('results', `--hook=${id}`, `--tenant={${'x'.repeat(127)}`).kind).toBe('call')
    expect(parsed('resend', 'dlv_4pX0cV3mJrKq8sT1uWyZ2a').kind).toBe('call')
  })

  it('let a setting be given twice, so that a script can set a default first', () => {
    const words = ['--log-level', 'info', '--log-level', 'debug']
    expect(parsed('run', ...words)).toMatchObject({ flags: { logLevel: 'debug' } })
  })

  it('are not spelt letter by letter if a secret follows a single dash', () => {
    const fault = faultOf(() => parsed('run', '-pq7X9z', '-u', 'me'))
    expect(fault).toContain('-p is not known')
    expect(fault).toContain('-u is not known')
    expect(fault).not.toMatch(/-[q7X9z] is/)
  })

  it('are reported all at once', () => {
    const fault = faultOf(() => parsed('init', '--partions', '3', '--json=1', '--form', '4'))
    expect(fault.split('\n')).toHaveLength(5)
  })
})

describe('help', () => {
  const variables = settingRows().map(({ variable }) => variable)
  const namedIn = (text: string) =>
    variables.filter((variable) => new RegExp(`^ {2}${variable} `, 'm').test(text))

  it('of everything, and of run, ingest and monitor together, has every setting when it is asked for all', () => {
    expect(namedIn(overview(commands, 100, true))).toEqual(variables)
    const used = ['run', 'ingest', 'monitor'].flatMap((name) =>
      namedIn(commandHelp(commandOf(name), 100, true)),
    )
    expect(variables.filter((variable) => used.includes(variable))).toEqual(variables)
  })

  it('has no setting unless it is asked for all, and says how', () => {
    for (const text of [overview(commands, 100, false), familyHelp(commands, 100, false)]) {
      expect(namedIn(text)).toEqual([])
    }
    for (const command of commands) {
      const text = commandHelp(command, 100, false)
      expect(namedIn(text)).toEqual([])
      expect(text).toMatch(/ --help --all" shows the settings|It uses no settings/)
    }
  })

  it('of a command begins with what it does and two examples of it', () => {
    for (const command of commands) {
      const [summary, , title, ...lines] = commandHelp(command, 100, false).split('\n')
      expect([summary, title]).toEqual([command.summary, 'Examples:'])
      expect(lines.slice(0, 2)).toEqual(command.examples.map((one) => `  hooktide ${one}`))
    }
  })

  it('has only examples that are calls of the command that they are of', () => {
    for (const command of commands) {
      for (const example of command.examples) {
        // What follows is the shell's.
        const [line = ''] = example.split(' > ')
        const choice = chosen(line)
        if (choice.kind !== 'command') throw new Error(`${example} is no call`)
        expect(choice.command).toBe(command)
        expect(parseArguments(choice.command, choice.rest).kind).toBe('call')
      }
    }
  })

  it('of a command has its options and only the settings that it uses', () => {
    const send = commandHelp(commandOf('events send'), 100, true)
    expect(send).toMatch(/^ {2}--file, -f <value> /m)
    expect(namedIn(send)).toContain('KAFKA_BROKERS')
    expect(namedIn(send)).not.toContain('HOOKTIDE_RETRY_SCHEDULE')
    expect(namedIn(commandHelp(commandOf('events validate'), 100, true))).toEqual([])
    expect(namedIn(commandHelp(commandOf('init'), 100, true))).toContain('HOOKTIDE_RETRY_TIERS')
  })

  it.each([80, 120])('fits a terminal of %s columns', (columns) => {
    const texts = [true, false].flatMap((isAll) => [
      overview(commands, columns, isAll),
      familyHelp(commands, columns, isAll),
      ...commands.map((command) => commandHelp(command, columns, isAll)),
    ])
    const lines = texts.flatMap((text) => text.split('\n'))
    expect(lines.filter((line) => line.length > columns)).toEqual([])
  })
})

describe('variables that are not settings', () => {
  it.each([
    ['HOOKTIDE_TOPIC_PREFX', 'did you mean HOOKTIDE_TOPIC_PREFIX?'],
    ['HOOKTIDE_COLOUR', '"hooktide --help --all" lists the settings.'],
    ['KAFKA_BROKER', 'did you mean KAFKA_BROKERS?'],
    ['SCHEMA_REGISTRY_URI', 'did you mean SCHEMA_REGISTRY_URL?'],
    ['SCHEMA_REGISTRY_USER', 'did you mean SCHEMA_REGISTRY_USERNAME?'],
    ['SCHEMA_REGISTRY_BASIC_AUTH', '"hooktide --help --all" lists the settings.'],
    ['KAFKA_SASL_USER', 'did you mean KAFKA_SASL_USERNAME?'],
    ['KAFKA_SSL_TRUSTSTORE', '"hooktide --help --all" lists the settings.'],
  ])('are named in a warning: %s', (name, advice) => {
    expect(unknownVariables({ [name]: 'x' })).toEqual([
      `${name} is not a setting and has no effect: ${advice}`,
    ])
  })

  it.each([
    ['HOOKTIDE_TOPIC_PREFIX', 'x'],
    ['HOOKTIDE_TEST_BROKERS', 'x'],
    ['KAFKA_HOME', '/opt/kafka'],
    ['SCHEMA_REGISTRY_SERVICE_HOST', '10.0.0.2'],
    ['SCHEMA_REGISTRY_PORT', 'tcp://10.0.0.2:8081'],
    ['SCHEMA_REGISTRY_PORT_8081_TCP_PROTO', 'tcp'],
    ['HOOKTIDE_SERVICE_HOST', '10.0.0.1'],
    ['HOOKTIDE_PORT', 'tcp://10.0.0.1:9400'],
    ['HOOKTIDE_PORT_9400_TCP_ADDR', '10.0.0.1'],
    ['PATH', '/bin'],
  ])('cause no warning: %s=%s', (name, value) => {
    expect(unknownVariables({ [name]: value })).toEqual([])
  })
})

describe('a setting that a command does not use', () => {
  it('does not stop it as a variable, but is refused as a flag', () => {
    const isUsed = (variable: string) => variable !== 'HOOKTIDE_RETRY_TIERS'
    const environment = { HOOKTIDE_RETRY_TIERS: 'soon' }
    expect(readSettings(environment, {}, isUsed).tiers).toHaveLength(6)
    expect(faultOf(() => readSettings(environment))).toContain('HOOKTIDE_RETRY_TIERS must be')
    const flags = { retryTiers: 'soon' }
    expect(faultOf(() => readSettings({}, flags, isUsed))).toContain('--retry-tiers must be')
  })
})
