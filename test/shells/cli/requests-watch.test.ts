import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, beforeEach, expect, test } from 'vitest'
import { writeSshKey } from '../../../src/host/ssh-key.ts'
import type { Outcome } from '../../../src/model/generated/types.ts'
import { writeBundle } from '../../../src/policy/bundle/index.ts'
import type { Io } from '../../../src/shells/cli/io.ts'
import { run } from '../../../src/shells/cli/main.ts'
import { bundleOf, KEYS, temporaryFolder } from '../../app/support.ts'
import { runCli } from './run.ts'

// Where the output is no terminal: one line a change. The inbox itself is in test/integration/inbox.test.ts.

let bytes: Uint8Array
beforeAll(async () => {
  bytes = writeBundle(await bundleOf())
})

let cwd = ''
beforeEach(async () => {
  cwd = temporaryFolder()
  writeFileSync(join(cwd, 'shop.bundle'), bytes)
  await writeSshKey(join(cwd, 'ana_key'), KEYS.ana)
})

const REFUND =
  '{"agent":"clerk","service":"shop","action":"refund","payload":{"amount":50,"to":"x"}}'
const bundle = ['--bundle', 'shop.bundle']

async function hold(): Promise<string> {
  const { json } = await runCli(['decide', REFUND, ...bundle, '--format', 'json'], { cwd })
  return String((json as Outcome).request?.id)
}

/** Watches until the lines are there, then interrupts. */
async function watch(
  flags: readonly string[],
  done: (lines: readonly string[]) => boolean,
  meanwhile: (lines: () => readonly string[]) => Promise<void> = async () => {},
) {
  let text = ''
  const lines = () => text.split('\n').filter(Boolean)
  const io: Io = {
    stdout: { write: (more) => (text += more) },
    stderr: { write: () => undefined },
    stdin: (async function* () {})(),
    ...{ env: {}, cwd, isTerminal: { stdin: false, stdout: false, stderr: false }, width: 80 },
  }
  const ended = run(['requests', 'watch', ...bundle, '--every', '0.1', ...flags], io)
  const act = meanwhile(lines)
  for (const end = performance.now() + 100_000; !done(lines()) && performance.now() < end; )
    await sleep(20)
  await act
  process.emit('SIGINT')
  return { code: await ended, lines: lines() }
}

test('each change is one line', async () => {
  const id = await hold()
  const { code, lines } = await watch(
    [],
    (seen) => seen.length >= 2,
    async (seen) => {
      await expect.poll(() => seen().length, { timeout: 100_000 }).toBe(1)
      await runCli(['requests', 'approve', id, '--key', 'ana_key', ...bundle], { cwd })
    },
  )
  expect(code).toBe(0)
  expect(lines).toEqual([
    expect.stringMatching(`^${id} {2}PENDING {2}shop.refund for clerk, high`),
    expect.stringMatching(`^${id} {2}APPROVED {2}`),
  ])
})

test('with --format json each line is a document', async () => {
  const id = await hold()
  const { lines } = await watch(['--format', 'json'], (seen) => seen.length >= 1)
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    expect.objectContaining({ id, state: 'PENDING', action: 'refund' }),
  ])
})

test.for([
  { name: 'no time', flags: ['--every', 'soon'], says: 'at least 0.1' },
  { name: 'more time than a timer has', flags: ['--every', '1e9'], says: 'at most 86400' },
  { name: 'too little time', flags: ['--every', '0.01'], says: 'at least 0.1' },
  { name: 'no place for webhooks', flags: ['--webhook', 'here'], says: 'HOST:PORT' },
  { name: 'no secret for webhooks', flags: ['--webhook', '0'], says: 'COUNTERSIGN_WEBHOOK_SECRET' },
])('$name exits 2', async ({ flags, says }) => {
  const ran = await runCli(['requests', 'watch', ...bundle, ...flags], { cwd })
  expect(ran.code).toBe(2)
  expect(ran.stderr).toContain(says)
  expect(readdirSync(cwd)).toContain('shop.bundle')
})
