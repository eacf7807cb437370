import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { formatDiff } from '../base/diff.ts'
import { PolicyError } from '../base/errors.ts'
import type { JsonObject } from '../base/json-value.ts'
import { generateSshKey, writeSshKey } from '../host/ssh-key.ts'
import type { Trust } from '../model/generated/types.ts'
import { type Bundle, writeBundle } from '../policy/bundle/index.ts'
import { type Answer, type Engine, engineOf } from './engine/engine.ts'
import { closeParts, openParts } from './engine/open-engine.ts'
import { openBundle } from './policy/compile-policy.ts'
import { SCAFFOLD_ROLES, scaffold } from './policy/scaffold.ts'
import { verifyLogFolder } from './receipts/receipts.ts'

export type DemoOptions = {
  /** Leaves the reviewing to the person in front of the terminal. */
  readonly interactive: boolean
  /** Where everything is made and kept; must be empty. Default: a temporary folder that is removed. */
  readonly keep?: string
  readonly say: (line: string) => void
  /** Runs `countersign` with these arguments in a second process. */
  readonly runReviewer: (args: readonly string[]) => Promise<void>
  /** The command that a person would type, for the instructions. */
  readonly command: string
}

/** Whether everything ended as it should. */
export type DemoResult = { readonly ok: boolean; readonly folder: string }

/**
 * The main job on one page: a policy repository, an agent that is allowed, denied and held, a reviewer in another
 * process, and the receipts verified offline.
 */
export async function runDemo(options: DemoOptions): Promise<DemoResult> {
  const folder = prepareFolder(options.keep)
  try {
    const ok = await perform(folder, options)
    return { ok, folder }
  } finally {
    if (options.keep === undefined) rmSync(folder, { recursive: true, force: true })
  }
}

const PROJECT = 'billing'
const REVIEWER = 'rita'
const AGENT = 'billing-agent'

type Refund = {
  readonly payload: JsonObject
  /** What the reviewer of the demo does with it. */
  readonly review: readonly string[]
}

const REFUNDS: readonly Refund[] = [
  { payload: { user_id: 'u-17', amount: 25, reason: 'charged twice' }, review: ['approve'] },
  {
    payload: { user_id: 'u-23', amount: 900, reason: 'asked nicely' },
    review: ['reject', '--comment', 'no order matches this'],
  },
  {
    payload: { user_id: 'u-42', amount: 480, reason: 'late delivery' },
    review: ['patch', '--payload', '{"user_id":"u-42","amount":200,"reason":"late delivery"}'],
  },
]

async function perform(folder: string, options: DemoOptions): Promise<boolean> {
  const { say } = options
  const bundle = await makePolicy(folder, say)
  const parts = await openParts({
    bundle: join(folder, 'policy.bundle'),
    store: join(folder, 'data'),
    credential: { project: PROJECT, agents: [AGENT], role: 'agent' },
  })
  try {
    const engine = engineOf(parts, () => closeParts(parts))
    await actAlone(engine, say)
    const answers = await askPeople(engine, folder, options)
    const trust = writeTrust(folder, bundle, parts.signer)
    return answers && verifyOffline(folder, trust, say)
  } finally {
    await closeParts(parts)
  }
}

async function makePolicy(folder: string, say: DemoOptions['say']): Promise<Bundle> {
  const key = generateSshKey(`${REVIEWER}@demo`)
  await writeSshKey(join(folder, 'reviewer_key'), key)
  const files = scaffold({
    project: PROJECT,
    reviewers: [{ id: REVIEWER, fingerprint: key.fingerprint, roles: SCAFFOLD_ROLES }],
  })
  const project = `${files.get('countersign.yaml')}forge: { kind: local, path: ../forge.git }\n`
  for (const [path, text] of new Map(files).set('countersign.yaml', project)) {
    const file = join(folder, 'policy', path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }
  const bundle = await openBundle({ folder: join(folder, 'policy') })
  writeFileSync(join(folder, 'policy.bundle'), writeBundle(bundle))
  say(`1. A policy repository of ${files.size} files became the bundle`)
  say(`   ${bundle.digest}`)
  return bundle
}

/** What needs no person. */
async function actAlone(engine: Engine, say: DemoOptions['say']): Promise<void> {
  say('')
  say(`2. The agent ${AGENT} starts to work`)
  const common = { agent: AGENT, session: 'demo', service: 'billing' }
  const tries = [
    { action: 'read_invoice', payload: { invoice_id: 'in-1' } },
    { action: 'delete_customer', payload: { user_id: 'u-17' } },
  ]
  for (const one of tries) {
    const outcome = await engine.decide({ ...common, ...one })
    const why = outcome.findings.map(({ rule }) => rule).join(', ')
    say(`   billing.${one.action}: ${outcome.verdict}${why === '' ? '' : ` (${why})`}`)
  }
}

/** Three refunds that wait for the reviewer. @returns whether people decided as the demo's reviewer does */
async function askPeople(engine: Engine, folder: string, options: DemoOptions): Promise<boolean> {
  const { say } = options
  const held: Answer[] = []
  for (const [index, { payload }] of REFUNDS.entries()) {
    const answer = await engine.defer(
      { agent: AGENT, session: 'demo', service: 'billing', action: 'refund_payment', payload },
      { idempotencyKey: `demo-refund-${index}` },
    )
    say(`   billing.refund_payment of ${payload['amount']}: held as ${answer.request}`)
    held.push(answer)
  }
  const access = reviewerArguments(folder)
  say('')
  say(`3. Three refunds wait for a person. Look at ${held[0]?.where ?? folder}, or:`)
  say(`   ${options.command} requests show ${held[0]?.request} ${access.join(' ')}`)
  say(`   ${options.command} requests approve|reject|patch ID ${access.join(' ')}`)
  if (options.interactive) say('   Waiting for you. Ctrl-C ends the demo.')
  const waiting = Promise.all(held.map(({ request }) => untilEnded(engine, String(request))))
  if (!options.interactive) await playReviewer(held, access, options)
  const answers = await waiting
  say('')
  say('4. What the agent saw')
  for (const answer of answers) sayAnswer(answer, say)
  const wanted = ['APPROVED', 'REJECTED', 'APPROVED_WITH_MODIFICATIONS']
  return options.interactive || answers.every(({ status }, index) => status === wanted[index])
}

async function untilEnded(engine: Engine, request: string): Promise<Answer> {
  for (;;) {
    const answer = await engine.wait(request)
    if (answer.status !== 'PENDING') return answer
  }
}

function reviewerArguments(folder: string): readonly string[] {
  return [
    ...['--key', join(folder, 'reviewer_key')],
    ...['--bundle', join(folder, 'policy.bundle')],
    ...['--data', join(folder, 'data')],
  ]
}

async function playReviewer(
  held: readonly Answer[],
  access: readonly string[],
  options: DemoOptions,
): Promise<void> {
  options.say(`   ${REVIEWER}, in another process, signs three reviews`)
  for (const [index, { review }] of REFUNDS.entries()) {
    const [verb = '', ...more] = review
    await options.runReviewer(['requests', verb, String(held[index]?.request), ...more, ...access])
  }
}

function sayAnswer(answer: Answer, say: DemoOptions['say']): void {
  say(`   ${answer.status}: ${answer.reason}`)
  if (answer.changes.length === 0) return
  for (const line of formatDiff(answer.changes).trimEnd().split('\n')) say(`      ${line}`)
}

function writeTrust(
  folder: string,
  bundle: Bundle,
  signer: { readonly origin: string; readonly verifierKey: string },
): string {
  const trust: Trust = {
    apiVersion: 'countersign/v1',
    kind: 'Trust',
    logs: [{ origin: signer.origin, keys: [signer.verifierKey] }],
    policies: [bundle.digest],
    reviewers: bundle.policy.people.map(({ id, keys }) => ({
      id,
      fingerprints: keys.map(({ fingerprint }) => fingerprint),
    })),
  }
  const file = join(folder, 'trust.json')
  writeFileSync(file, `${JSON.stringify(trust, null, 2)}\n`)
  return file
}

/** Verifies from the log and the trust file alone; then shows on a copy that one flipped byte is caught. */
function verifyOffline(folder: string, trust: string, say: DemoOptions['say']): boolean {
  const log = join(folder, 'data', 'log')
  const report = verifyLogFolder(log, { trust })
  say('')
  say(
    `5. Offline, from the log and the trust file alone: ${report.size} receipts, ${report.status}`,
  )
  const copy = join(folder, 'tampered-log')
  cpSync(log, copy, { recursive: true })
  const [name = ''] = readdirSync(join(copy, 'tile', 'entries', '000.p'))
  const entries = join(copy, 'tile', 'entries', '000.p', name)
  const bytes = readFileSync(entries)
  const middle = Math.floor(bytes.length / 2)
  bytes[middle] = (bytes[middle] ?? 0) ^ 1
  writeFileSync(entries, bytes)
  const tampered = verifyLogFolder(copy, { trust })
  rmSync(copy, { recursive: true })
  const [problem] = tampered.problems
  say(`   The same with one byte flipped: ${tampered.status}, ${problem?.file}: ${problem?.code}`)
  return report.status === 'verified' && tampered.status === 'refused'
}

function prepareFolder(keep: string | undefined): string {
  if (keep === undefined) return mkdtempSync(join(tmpdir(), 'countersign-demo-'))
  mkdirSync(keep, { recursive: true })
  if (readdirSync(keep).length === 0) return keep
  throw new PolicyError('FILE_EXISTS', `${keep} is not empty; the demo needs a folder of its own`)
}
