import { execFileSync, spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { sha256Hex } from '../src/base/digest.ts'
import { readPolicyFiles } from '../src/host/policy-files.ts'
import { generateSshKey, writeSshKey } from '../src/host/ssh-key.ts'
import { parseDocuments } from '../src/policy/compile/index.ts'
import { parseTrust } from '../src/trust/verify/index.ts'
import { runCli } from './shells/cli/run.ts'

// The documentation is run. Each page has a temporary folder; its blocks are taken in order:
//
// - `console`: every line that starts with `$ ` is a command and must exit with 0, or with N after `exit=N` in the info
//   string. With `as=PAGE` they are commands of that page, and run there. Lines below a command must appear in what it prints, in any order; `…` stands for any text.
// - a block of any language with `file=PATH`: written to that file.
// - `yaml` that starts with apiVersion: must be accepted by its schema, unless `broken=yes`. `json` must parse.
//   `rego` without `file=` is put into the page's policy, which a later `check` or `test` of the page compiles.
// - `ts`: must be a region of a file in examples/embed, all of which must pass the type check.
// - `text`: nothing.
//
// Compiling Rego takes a second, so commands of the engine that name no policy get the bundle of the page's policy, which
// is built once for each state of its files.
//
// In commands and files, these words stand for what an earlier command of the page printed:
//
// - ID: the request in the first line of the last `requests ls`;
// - LOG_KEY: the last `verifierKey`; PUBLIC_KEY: the last `public_key`; POLICY_DIGEST: the last policy's digest; FINGERPRINT: the last `SHA256:...`.
//
// TODAY stands for the midnight that this day (UTC) began with.
//
// `~` is a home folder whose `.ssh/id_ed25519` is the reviewer's key, the same for all pages.

const root = resolve(import.meta.dirname, '..')
const pages = [
  'README.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .map((name) => `docs/${name.replaceAll('\\', '/')}`)
    // In docs/images lie the texts that pictures show: see test/integration/gate-pictures.test.ts.
    .filter((name) => name.endsWith('.md') && !/^docs\/(?:adr|images)\//.test(name))
    .sort(),
]

/** Commands that are run elsewhere, and by what. */
const RUN_ELSEWHERE: ReadonlyMap<string, string> = new Map([
  ['npm ci', 'every run of the tests follows one'],
  ['npm ci && npm run demo', 'test/integration/fresh-clone.test.ts'],
  ['npm ci && npm test', '.ci/run, in its steps'],
  ['ssh-keygen -lf ~/.ssh/id_ed25519.pub', 'test/integration/ssh-keygen.test.ts'],
  ['countersign requests watch', 'test/integration/inbox.test.ts'],
  [
    'countersign log cosign site/log --add witness.sig --trust witnessed.yaml',
    'test/shells/cli/log-commands.test.ts',
  ],
])

/**
 * The README shows the steps of three people without the steps between: before its block about reviews a refund is
 * held in `shop`, `req_…` is ID, and the trust file pins the log's key.
 */
const README_HELD =
  `countersign decide '{"agent": "billing-agent", "service": "billing", "action": "refund_payment",` +
  ` "payload": {"user_id": "u-17", "amount": 25, "reason": "charged twice"}}'`

type Block = {
  readonly language: string
  readonly settings: Readonly<Record<string, string>>
  readonly text: string
  readonly line: number
}

const FENCE = /^( *)```(.*)\n([\s\S]*?)^\1```$/gm

function blocksOf(page: string): Block[] {
  const text = readFileSync(join(root, page), 'utf8')
  return [...text.matchAll(FENCE)].map(({ 1: indent = '', 2: info = '', 3: body = '', index }) => {
    const [language = '', ...settings] = info.trim().split(/\s+/)
    return {
      language,
      settings: Object.fromEntries(
        settings.map((setting) => setting.split('=') as [string, string]),
      ),
      text: body.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
      line: text.slice(0, index).split('\n').length,
    }
  })
}

const scratch = mkdtempSync(join(tmpdir(), 'countersign-docs-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

const home = join(scratch, 'home')
mkdirSync(join(home, '.ssh'), { recursive: true })
await writeSshKey(join(home, '.ssh', 'id_ed25519'), generateSshKey('reviewer'))

/** Where a page's commands run, and what they have printed. */
type Session = {
  cwd: string
  readonly folder: string
  readonly words: Map<string, string>
  /** Rego blocks that no command has compiled yet. */
  rego: string[]
}

function newSession(page: string): Session {
  const folder = join(scratch, page.replaceAll('/', '-'))
  mkdirSync(folder)
  symlinkSync(join(root, 'examples'), join(folder, 'examples')) // As in a clone.
  return { cwd: folder, folder, words: new Map(), rego: [] }
}

function fill(session: Session, text: string): string {
  const today = `${new Date().toISOString().slice(0, 10)}T00:00:00Z`
  return text
    .replaceAll(/\bTODAY\b/g, today)
    .replaceAll(/\b(?:ID|LOG_KEY|PUBLIC_KEY|POLICY_DIGEST|FINGERPRINT)\b/g, (word) => {
      const value = session.words.get(word)
      if (value === undefined)
        throw new Error(`nothing before this printed what ${word} stands for`)
      return value
    })
}

function learn({ words }: Session, command: string, printed: string): void {
  const found = {
    ID: command.includes('requests ls') ? /req_[0-9a-v]{26}/.exec(printed)?.[0] : undefined,
    LOG_KEY: /"verifierKey": "([^"]+)"/.exec(printed)?.[1],
    PUBLIC_KEY: /"public_key": "([^"]+)"/.exec(printed)?.[1],
    POLICY_DIGEST: /^(?:.*policy )?(sha256:[0-9a-f]{64})$/m.exec(printed)?.[1],
    FINGERPRINT: /SHA256:[A-Za-z0-9+/]{43}/.exec(printed)?.[0],
  }
  for (const [word, value] of Object.entries(found)) if (value !== undefined) words.set(word, value)
}

type Step = { readonly command: string; readonly output: readonly string[] }

/** Commands and what stands below each. A command goes on over lines until its quotes are closed. */
function stepsOf(text: string): Step[] {
  const steps: { command: string; output: string[] }[] = []
  for (const line of text.trimEnd().split('\n')) {
    const last = steps.at(-1)
    if (line.startsWith('$ ')) steps.push({ command: line.slice(2), output: [] })
    else if (last === undefined)
      throw new Error(`a console block starts with a command, not ${line}`)
    else if ((last.command.match(/'/g)?.length ?? 0) % 2 === 1) last.command += `\n${line}`
    else if (line.trim() !== '') last.output.push(line)
  }
  return steps
}

/** Words of a command as a shell has them: single quotes and double quotes, no expansion. */
function wordsOf(command: string): string[] {
  return [...command.matchAll(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g)].map(([word]) =>
    word.replaceAll(/'([^']*)'|"([^"]*)"/g, (_all, single, double) => single ?? double),
  )
}

type Ended = { readonly code: number; readonly printed: string }

async function runStep(session: Session, command: string): Promise<Ended> {
  const { cwd } = session
  const [line = '', target] = command.replaceAll('~/', `${home}/`).split(' > ')
  const [program = '', ...rest] = wordsOf(line.replace(/^npx /, ''))
  const at = (path = '') => join(cwd, path)
  if (program === 'countersign') {
    const argv = [...rest, ...(await policyFlags(session, rest))]
    const ran = await runCli(argv, { cwd, env: { HOME: home } })
    if (rest[0] === 'check' || rest[0] === 'test') session.rego = []
    if (rest[0] === 'build' && ran.code === 0) await rememberBundle(session, rest)
    if (target !== undefined) writeFileSync(at(target), ran.stdout)
    const stdout = target === undefined ? ran.stdout : ''
    return { code: ran.code, printed: `${stdout}${ran.stderr}` }
  }
  if (program === 'cd') session.cwd = at(rest[0])
  else if (program === 'mkdir') mkdirSync(at(rest[0]))
  else if (program === 'cp') cpSync(at(rest.at(-2)), at(rest.at(-1)), { recursive: true })
  else if (program === 'grep') {
    const { status, stdout } = spawnSync('grep', rest, { cwd, encoding: 'utf8' })
    return { code: status ?? 2, printed: stdout }
  } else if (program === 'git')
    return { code: 0, printed: execFileSync('git', rest, { cwd, encoding: 'utf8' }) }
  else throw new Error(`'${command}' is neither run here nor listed as run elsewhere`)
  return { code: 0, printed: '' }
}

const ENGINE_COMMANDS = /^(?:decide|replay|log checkpoint|requests \w+|deliveries \w+)(?: |$)/

async function policyFlags({ cwd }: Session, argv: readonly string[]): Promise<readonly string[]> {
  const named = argv.includes('--policy') || argv.includes('--bundle')
  if (named || !ENGINE_COMMANDS.test(argv.join(' '))) return []
  const bundle = await bundleOf(cwd)
  if (!existsSync(bundle)) {
    const built = await runCli(['build', '-o', bundle], { cwd })
    expect(built, 'the policy of the page').toMatchObject({ code: 0 })
  }
  return ['--bundle', bundle]
}

/** Where the bundle of a policy folder, as its files are now, is kept for all pages. */
async function bundleOf(folder: string): Promise<string> {
  const files = [...(await readPolicyFiles(folder))].map((file) => file.join('\0'))
  return join(scratch, `${sha256Hex(files.join('\0'))}.bundle`)
}

async function rememberBundle({ cwd }: Session, argv: readonly string[]): Promise<void> {
  const after = (flag: string) => argv[argv.indexOf(flag) + 1] ?? ''
  const folder = argv.includes('--policy') ? join(cwd, after('--policy')) : cwd
  cpSync(join(cwd, after('-o')), await bundleOf(folder))
}

async function runConsole(session: Session, block: Block): Promise<void> {
  const { as } = block.settings
  if (as !== undefined) {
    const others = blocksOf(as).flatMap(({ language, text }) =>
      language === 'console' ? stepsOf(text).map(({ command }) => command) : [],
    )
    for (const { command } of stepsOf(block.text)) {
      expect(others.map((other) => other.replace('npx ', ''))).toContain(command)
    }
    return
  }
  for (const { command, output } of stepsOf(block.text)) {
    if (RUN_ELSEWHERE.has(command)) continue
    const filled = fill(session, command)
    const { code, printed } = await runStep(session, filled)
    const wanted = Number(block.settings['exit'] ?? 0)
    expect(code, `$ ${filled}\n${printed}`).toBe(wanted)
    learn(session, command, printed)
    const lines = printed.split('\n').map((line) => line.trimEnd())
    for (const line of output) {
      expect(lines, `$ ${filled}`).toEqual(
        expect.arrayContaining([expect.stringMatching(pattern(line))]),
      )
    }
  }
}

/** A line of documented output, `…` standing for anything. */
function pattern(line: string): RegExp {
  const parts = line
    .trimEnd()
    .split('…')
    .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`)
}

function checkYaml({ text }: Block): void {
  if (!/^(?:#.*\n)*apiVersion:/.test(text)) return
  if (/^kind: Trust$/m.test(text)) return // Checked below, with its words filled in.
  const { diagnostics } = parseDocuments(new Map([['policies/page.yaml', text]]))
  expect(diagnostics).toEqual([])
}

function writeFileOf(session: Session, block: Block): void {
  const { file } = block.settings
  if (file === undefined) return
  const path = join(session.cwd, file)
  const text = fill(session, block.text)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
  if (/^kind: Trust$/m.test(text)) parseTrust(text, file)
}

async function runPage(page: string): Promise<void> {
  const session = newSession(page)
  for (const block of blocksOf(page)) {
    if (block.language === 'yaml' && block.settings['broken'] === undefined) checkYaml(block)
    if (block.language === 'json') JSON.parse(block.text)
    writeFileOf(session, block)
    if (block.language === 'rego' && block.settings['file'] === undefined) {
      const file = `policies/rego/block_${block.line}.rego`
      writeFileSync(join(session.cwd, file), block.text)
      session.rego.push(file)
    }
    if (block.language === 'console') {
      await runConsole(session, page === 'README.md' ? await ofReadme(session, block) : block)
    }
  }
  expect(session.rego, 'rego blocks that nothing compiled').toEqual([])
}

/** See README_HELD. */
async function ofReadme(session: Session, block: Block): Promise<Block> {
  const text = block.text.replaceAll('req_…', 'ID')
  if (text.includes('requests ls')) {
    session.cwd = join(session.folder, 'shop')
    expect((await runStep(session, README_HELD)).code).toBe(1)
  }
  if (text.includes('--trust trust.json')) {
    const { printed } = await runStep(session, 'countersign receipts show 0')
    learn(session, '', printed)
    const key = session.words.get('LOG_KEY')
    const logs = [{ origin: key?.split('+')[0], keys: [key] }]
    const trust = { apiVersion: 'countersign/v1', kind: 'Trust', logs }
    writeFileSync(join(session.cwd, 'trust.json'), JSON.stringify(trust))
  }
  return { ...block, text }
}

const runnable = pages.filter((page) => blocksOf(page).some(({ language }) => language !== 'text'))

describe('pages', () => {
  test.for(runnable)('%s does what it says', { timeout: 60_000 }, (page) => runPage(page))
})

test('every block has a language that is checked, or is text', () => {
  const known = ['console', 'yaml', 'json', 'rego', 'ts', 'text']
  const unknown = pages.flatMap((page) =>
    blocksOf(page)
      .filter(({ language }) => !known.includes(language))
      .map(({ language, line }) => `${page}:${line} ${language}`),
  )
  expect(unknown).toEqual([])
})

describe('ts blocks', () => {
  const folder = join(root, 'examples/embed')
  const regions = readdirSync(folder)
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) => regionsOf(readFileSync(join(folder, name), 'utf8')))

  test('are regions of files in examples/embed', () => {
    const foreign = pages.flatMap((page) =>
      blocksOf(page)
        .filter(({ language, text }) => language === 'ts' && !regions.includes(text.trimEnd()))
        .map(({ line, text }) => `${page}:${line}\n${text}`),
    )
    expect(foreign).toEqual([])
  })

  test('pass the type check', () => {
    const tsc = join(root, 'node_modules/typescript/bin/tsc')
    expect(() =>
      execFileSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8' }),
    ).not.toThrow()
  })
})

function regionsOf(text: string): string[] {
  return [...text.matchAll(/^( *)\/\/ #region \S+\n([\s\S]*?)^\1\/\/ #endregion$/gm)].map(
    ([, indent = '', body = '']) => body.replaceAll(new RegExp(`^${indent}`, 'gm'), '').trimEnd(),
  )
}

describe('links', () => {
  test.for(pages)('of %s lead somewhere', (page) => {
    const text = readFileSync(join(root, page), 'utf8').replaceAll(FENCE, '')
    const dead = [...text.matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, target = '']) => target)
      .filter((target) => !/^https?:/.test(target) && !leads(page, target))
    expect(dead).toEqual([])
  })
})

const anchors = new Map<string, ReadonlySet<string>>()

function leads(page: string, target: string): boolean {
  const [path = '', anchor] = target.split('#')
  const file = path === '' ? page : join(dirname(page), path).replaceAll('\\', '/')
  let text: string
  try {
    text = file.endsWith('.md') ? readFileSync(join(root, file), 'utf8') : ''
    if (!file.endsWith('.md'))
      return readdirSync(join(root, dirname(file))).includes(file.split('/').at(-1) ?? '')
  } catch {
    return false
  }
  if (anchor === undefined) return true
  const known =
    anchors.get(file) ??
    new Set([...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => anchorOf(heading)))
  anchors.set(file, known)
  return known.has(anchor)
}

/** As GitHub makes a heading's anchor. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, '')
    .replaceAll(' ', '-')
}
