import { spawnSync } from 'node:child_process'
import type { Command } from 'commander'
import { expect, test } from 'vitest'
import { completionScript } from '../../../src/shells/cli/completion-script.ts'
import type { Io } from '../../../src/shells/cli/io.ts'
import { createProgram } from '../../../src/shells/cli/main.ts'
import { minimalPolicy, temporaryFolder } from './policies.ts'
import { runCli } from './run.ts'

const cwd = '/'

test.for([
  { name: 'no command', argv: [], code: 2, out: /^$/, err: /Usage: countersign/ },
  {
    name: '--help',
    argv: ['--help'],
    code: 0,
    out: /Usage: countersign[\s\S]*Exit codes/,
    err: /^$/,
  },
  { name: '--version', argv: ['--version'], code: 0, out: /^\d+\.\d+\.\d+\n$/, err: /^$/ },
  {
    name: 'help of a command',
    argv: ['check', '--help'],
    code: 0,
    out: /Examples:\n {2}\$ countersign check/,
    err: /^$/,
  },
  {
    name: 'a mistyped command',
    argv: ['chek'],
    code: 2,
    out: /^$/,
    err: /USAGE_INVALID: unknown command 'chek'; did you mean check\?/,
  },
  {
    name: 'a mistyped option',
    argv: ['check', '--polcy', 'x'],
    code: 2,
    out: /^$/,
    err: /unknown option '--polcy'; did you mean --policy\?/,
  },
  {
    name: 'an option without its value',
    argv: ['check', '--policy'],
    code: 2,
    out: /^$/,
    err: /argument missing/,
  },
  {
    name: 'a format that is none',
    argv: ['check', '--format', 'xml'],
    code: 2,
    out: /^$/,
    err: /Allowed choices are pretty, json/,
  },
  {
    name: 'too many arguments',
    argv: ['check', 'x'],
    code: 2,
    out: /^$/,
    err: /too many arguments/,
  },
  {
    name: 'no argument where one is needed',
    argv: ['replay'],
    code: 2,
    out: /^$/,
    err: /missing required argument 'file'/,
  },
  {
    name: 'policy and bundle at once',
    argv: ['inspect', '--policy', 'x', '--bundle', 'y'],
    code: 2,
    out: /^$/,
    err: /cannot be used with/,
  },
  { name: 'help as a command', argv: ['help'], code: 2, out: /^$/, err: /USAGE_INVALID/ },
])('$name -> exit $code', async ({ argv, code, out, err }) => {
  const ran = await runCli(argv, { cwd })
  expect(ran.code).toBe(code)
  expect(ran.stdout).toMatch(out)
  expect(ran.stderr).toMatch(err)
})

test.for([
  {
    name: 'a mistyped option',
    argv: ['check', '--polcy', '--format', 'json'],
    code: 'USAGE_INVALID',
    exit: 2,
  },
  { name: 'a mistyped command', argv: ['chek', '--format=json'], code: 'USAGE_INVALID', exit: 2 },
  {
    name: 'a folder that is not there',
    argv: ['check', '--policy', '/nowhere', '--format', 'json'],
    code: 'FILE_UNREADABLE',
    exit: 2,
  },
  {
    name: 'a bundle that is not there',
    argv: ['inspect', '/nowhere', '--format', 'json'],
    code: 'FILE_UNREADABLE',
    exit: 2,
  },
  {
    name: 'a trace that is not there',
    argv: ['replay', '/nowhere', '--format', 'json'],
    code: 'FILE_UNREADABLE',
    exit: 2,
  },
  {
    name: 'a bundle that is none',
    argv: ['inspect', import.meta.filename, '--format', 'json'],
    code: 'BUNDLE_CORRUPT',
    exit: 2,
  },
  {
    name: 'a filter that is none',
    argv: ['test', '--run', '(', '--format', 'json'],
    code: 'USAGE_INVALID',
    exit: 2,
  },
])('$name with --format json -> one JSON document with $code', async ({ argv, code, exit }) => {
  const ran = await runCli(argv, { cwd })
  expect(ran.code).toBe(exit)
  expect(ran.json).toMatchObject({
    error: {
      code,
      retryable: false,
      documentation_url: expect.stringContaining(code.toLowerCase()),
    },
  })
})

test.for([
  { name: 'a terminal', terminal: true, env: {}, coloured: true },
  { name: 'no terminal', terminal: false, env: {}, coloured: false },
  { name: 'a terminal with NO_COLOR', terminal: true, env: { NO_COLOR: '1' }, coloured: false },
  {
    name: 'a terminal with an empty NO_COLOR',
    terminal: true,
    env: { NO_COLOR: '' },
    coloured: true,
  },
  {
    name: 'no terminal with FORCE_COLOR',
    terminal: false,
    env: { FORCE_COLOR: '1' },
    coloured: true,
  },
])('$name -> coloured: $coloured', async ({ terminal, env, coloured }) => {
  const ran = await runCli(['test'], {
    cwd: minimalPolicy(),
    terminal,
    env: env as Record<string, string>,
  })
  expect(ran.code).toBe(0)
  expect(ran.stdout.includes('\u001b[')).toBe(coloured)
})

test('what nobody foresaw is ENGINE_FAILED, exit 3, without a stack', async () => {
  const cli = { cwd: minimalPolicy(), env: {} }
  const broken = { ...cli, cwd: undefined as unknown as string }
  const ran = await runCli(['check'], broken)
  expect(ran).toMatchObject({
    code: 3,
    stderr: expect.stringMatching(/^ENGINE_FAILED: an unexpected/),
  })
  expect(ran.stderr).not.toMatch(/\n\s+at /)
  const debug = await runCli(['check'], { ...broken, env: { COUNTERSIGN_DEBUG: '1' } })
  expect(debug.stderr).toMatch(/\n\s+at /)
})

function program(): Command {
  const io = { stdout: process.stdout, stderr: process.stderr, env: {}, cwd, width: 80 }
  return createProgram(io as unknown as Io, () => undefined)
}

function commandsOf(command: Command): Command[] {
  return [command, ...command.commands.flatMap(commandsOf)]
}

test.for(commandsOf(program()).map((command) => ({ command, name: command.name() })))(
  'the help of $name says what it does, and what each option means',
  ({ command }) => {
    expect(command.description()).not.toBe('')
    for (const option of command.options) expect(option.description).not.toBe('')
  },
)

test.for(['bash', 'zsh', 'fish'] as const)(
  'the %s completion knows every command and option',
  (shell) => {
    const script = completionScript(program(), shell)
    for (const command of commandsOf(program()).slice(1)) {
      expect(script).toContain(command.name())
      for (const { long } of command.options)
        expect(script).toContain(shell === 'fish' ? `-l ${long?.slice(2)}` : long)
    }
  },
)

test.for([
  { name: 'a command', words: ['countersign', 'che'], want: ['check'] },
  { name: 'a subcommand', words: ['countersign', 'requests', 'app'], want: ['approve'] },
  { name: 'an option', words: ['countersign', 'check', '--fail'], want: ['--fail-level'] },
  {
    name: 'the value of an option',
    words: ['countersign', 'check', '--format', 's'],
    want: ['sarif'],
  },
  {
    name: 'a word of an argument',
    words: ['countersign', 'completion', ''],
    want: expect.arrayContaining(['bash', 'zsh', 'fish']),
  },
])('bash completes $name', ({ words, want }) => {
  const script = completionScript(program(), 'bash')
  const line = `COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}`
  const { stdout, stderr } = spawnSync(
    'bash',
    [
      '--norc',
      '-c',
      `${script}\ncompopt() { :; }\n${line}\n_countersign\nprintf '%s\\n' "\${COMPREPLY[@]}"`,
    ],
    { encoding: 'utf8', cwd: temporaryFolder() },
  )
  expect(stderr).toBe('')
  expect(stdout.trim().split('\n')).toEqual(want)
})
