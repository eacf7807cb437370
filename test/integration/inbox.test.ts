import { execFile } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Answer } from '../../src/app/engine/engine.ts'
import { writeSshKey } from '../../src/host/ssh-key.ts'
import { writeBundle } from '../../src/policy/bundle/index.ts'
import { bundleOf, KEYS, temporaryFolder } from '../app/support.ts'
import { openTmux, type Tmux } from './support/tmux.ts'

// `requests watch` in a real terminal (tmux), while a real agent process waits for what people do there.

const root = resolve(import.meta.dirname, '../..')
const WATCH = `${process.execPath} ${join(root, 'src/shells/cli/bin.ts')} requests watch --bundle shop.bundle --every 0.2`

let cwd = ''
let terminal: Tmux
beforeEach(async () => {
  cwd = temporaryFolder()
  writeFileSync(join(cwd, 'shop.bundle'), writeBundle(await bundleOf()))
  await writeSshKey(join(cwd, 'ana_key'), KEYS.ana)
  mkdirSync(join(cwd, 'run'), { mode: 0o700 })
  terminal = openTmux({
    cwd,
    env: {
      EDITOR: join(cwd, 'editor'),
      XDG_RUNTIME_DIR: join(cwd, 'run'),
      HOME: cwd,
    },
  })
  await terminal.shows(/[#$]/)
  terminal.type(`PS1='shell> '; clear`)
  terminal.keys('Enter')
  await terminal.shows(/^shell>\s*$/)
})
afterEach(() => terminal.close())

/** An editor that does one thing after another, once each time it is called. */
function editor(...scripts: readonly string[]): void {
  const turns = scripts.map((script, i) => `${i}) ${script} ;;`).join('\n')
  const count = join(cwd, 'edits')
  const text = `#!/bin/sh\nn=$(cat ${count} 2>/dev/null || echo 0)\necho $((n + 1)) > ${count}\ncase $n in\n${turns}\nesac\n`
  writeFileSync(join(cwd, 'editor'), text)
  chmodSync(join(cwd, 'editor'), 0o755)
}

type Agent = { readonly answer: Promise<Answer> }

function startAgent(payload: object): Agent {
  const action = JSON.stringify({ agent: 'clerk', service: 'shop', action: 'refund', payload })
  const child = join(import.meta.dirname, 'inbox-agent-child.ts')
  const args = [child, 'shop.bundle', '.countersign', action]
  const answer = new Promise<Answer>((done, failed) => {
    execFile(process.execPath, args, { cwd, encoding: 'utf8' }, (error, stdout) => {
      if (error === null) done(JSON.parse(stdout))
      else failed(error)
    })
  })
  answer.catch(() => undefined) // Told where it is awaited.
  return { answer }
}

async function watch(flags = '--key ana_key'): Promise<void> {
  terminal.type(`${WATCH} ${flags}`)
  terminal.keys('Enter')
  await terminal.shows('Countersign inbox')
}

async function openFirst(): Promise<string> {
  await terminal.shows(/^> high/m)
  terminal.keys('Enter')
  return terminal.shows('Who decides')
}

test('a payload that a person edits and signs is what the waiting agent gets', async () => {
  editor(
    `printf '{"amount": 200,' > "$1"`,
    `sed -i 's/$/"to":"customer-7"}/' "$1"; stat -c %a "$1" "$(dirname "$1")" > modes`,
  )
  const agent = startAgent({ amount: 900, to: 'customer-7' })
  await watch()
  const list = await terminal.shows('payments needs 1')
  expect(list).toMatch(/^clerk {2}\(1\)$/m)
  expect(list).toMatch(/^> high +[\d:]+ {2}shop\.refund +payments needs 1 {2}#1$/m)

  const request = await openFirst()
  expect(request).toContain('/payload/amount  900')
  expect(request).toContain('/payload/to  "customer-7"')
  expect(request).toContain('hold refunds/any')

  terminal.keys('e')
  const broken = await terminal.shows('The payload cannot be signed as it stands')
  expect(broken).toContain('Nothing of what you wrote is lost.')
  terminal.keys('Enter')
  const asked = await terminal.shows('Sign?  y / n')
  expect(asked).toContain('Approve with another payload shop.refund for clerk?')
  expect(asked).toMatch(/digest {4}sha256:[0-9a-f]{16}…/)
  expect(asked).toContain('~ /amount: 900 -> 200')
  expect(asked).not.toContain('customer-7')

  terminal.keys('y')
  await terminal.shows('signed: patch; ended as APPROVED_WITH_MODIFICATIONS')
  expect(await agent.answer).toMatchObject({
    status: 'APPROVED_WITH_MODIFICATIONS',
    payload: { amount: 200, to: 'customer-7' },
  })
  expect(readdirSync(join(cwd, 'run'))).toEqual([])
  terminal.keys('q')
  await terminal.shows(/shell>\s*$/)
  terminal.type('cat modes')
  terminal.keys('Enter')
  await terminal.shows('600\n700')
})

test('a rejection takes a reason, which the agent is told', async () => {
  const agent = startAgent({ amount: 50, to: 'customer-7' })
  await watch()
  await openFirst()
  terminal.keys('r')
  terminal.keys('Enter')
  await terminal.shows('a rejection needs a reason')
  terminal.type('no order matches')
  terminal.keys('Enter')
  const asked = await terminal.shows('Sign?  y / n')
  expect(asked).toContain('Reject shop.refund for clerk?')
  expect(asked).toContain('comment   no order matches')
  terminal.keys('y')
  await terminal.shows('signed: reject; ended as REJECTED')
  expect(await agent.answer).toMatchObject({
    status: 'REJECTED',
    reason: 'rejected by ana: no order matches',
  })
})

test('without a key on the roster one only looks, and sees no clear value', async () => {
  const agent = startAgent({ amount: 50, to: 'customer-7' })
  await watch('')
  await terminal.shows('only looking')
  const request = await openFirst()
  expect(request).toContain('/payload/to  (string)')
  expect(request).not.toContain('customer-7')
  terminal.keys('a')
  await terminal.shows('you have no key here')
  terminal.keys('q')
  await terminal.shows(/shell>\s*$/)
  await watch()
  await openFirst()
  terminal.keys('a')
  await terminal.shows('Sign?  y / n')
  terminal.keys('y')
  expect(await agent.answer).toMatchObject({ status: 'APPROVED' })
})

/** The terminal is as it was: what stood there, its cursor, echo and lines. */
async function expectRestored(): Promise<void> {
  expect(await terminal.shows(/shell>\s*$/)).toContain('before the inbox')
  terminal.type('stty -a; echo done $((1 + 1))')
  terminal.keys('Enter')
  const settings = await terminal.shows('done 2')
  expect(settings).toMatch(/(?<!-)icanon/)
  expect(settings).toMatch(/(?<!-)echo\b/)
}

test.for([
  { name: 'q', key: 'q' },
  { name: 'Ctrl-C', key: 'C-c' },
  { name: 'SIGTERM', signal: 'SIGTERM' },
  { name: 'SIGHUP', signal: 'SIGHUP' },
  { name: 'SIGINT', signal: 'SIGINT' },
] as const)('the terminal is given back after $name', async (by) => {
  terminal.type('echo before the inbox')
  terminal.keys('Enter')
  await terminal.shows('before the inbox')
  await watch()
  await terminal.shows('nothing waits for people')
  expect(terminal.screen()).not.toContain('before the inbox')
  if ('key' in by) terminal.keys(by.key)
  else process.kill(terminal.job(), by.signal)
  await expectRestored()
})

test('it can be stopped and taken up again', async () => {
  terminal.type('echo before the inbox')
  terminal.keys('Enter')
  await watch()
  await terminal.shows('nothing waits for people')
  terminal.keys('C-z')
  await terminal.shows(/Stopped/)
  expect(terminal.screen()).toContain('before the inbox')
  terminal.type('fg')
  terminal.keys('Enter')
  await terminal.shows('nothing waits for people')
  terminal.keys('q')
  await expectRestored()
})

test('an editor that goes with the inbox leaves nothing behind', async () => {
  editor('sleep 60')
  const agent = startAgent({ amount: 900, to: 'customer-7' })
  await watch()
  await openFirst()
  terminal.keys('e')
  await expect.poll(() => readdirSync(join(cwd, 'run')).length, { timeout: 120_000 }).toBe(1)
  const [name = ''] = readdirSync(join(cwd, 'run'))
  process.kill(Number(name.split('-')[2]), 'SIGTERM')
  await expect.poll(() => readdirSync(join(cwd, 'run')).length, { timeout: 120_000 }).toBe(0)
  await terminal.shows(/shell>\s*$/)
  await watch()
  await openFirst()
  terminal.keys('a')
  await terminal.shows('Sign?  y / n')
  terminal.keys('y')
  await agent.answer
})

test('what is pasted into a comment cannot review', async () => {
  const agent = startAgent({ amount: 50, to: 'customer-7' })
  await watch()
  await openFirst()
  terminal.keys('c')
  await terminal.shows('comment: ')
  terminal.paste('as the agent says:\nay\ny')
  await terminal.shows('comment: as the agent says: ay y_')
  terminal.keys('Enter')
  await terminal.shows('your comment: as the agent says: ay y')
  terminal.paste('ay')
  await terminal.shows('paste works only where you type')
  terminal.resize(20, 5)
  terminal.keys('a')
  await terminal.shows('Approve')
  terminal.keys('y')
  await terminal.shows('there is more below')
  terminal.keys('G')
  await terminal.shows('Sign?  y / n')
  terminal.keys('y')
  expect(await agent.answer).toMatchObject({ status: 'APPROVED' })
})

test('it follows the size of the terminal', async () => {
  const agent = startAgent({ amount: 50, to: 'customer-7' })
  await watch()
  await openFirst()
  terminal.resize(50, 12)
  const small = await terminal.shows(/digest sha256:[0-9a-f]+\n {4}[0-9a-f]+/)
  expect(small.split('\n').every((line) => line.length <= 50)).toBe(true)
  terminal.keys('G')
  await terminal.shows('1 still missing')
  terminal.resize(100, 30)
  await terminal.shows(/digest sha256:[0-9a-f]{64}/)
  terminal.keys('a')
  await terminal.shows('Sign?  y / n')
  terminal.keys('y')
  await agent.answer
})
