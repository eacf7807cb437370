import { join } from 'node:path'
import { expect } from 'vitest'
import { type Review, reviewRequest } from '../../src/app/approvals/review.ts'
import type { Answer } from '../../src/app/engine/engine.ts'
import { verifyLogFolder } from '../../src/app/receipts/receipts.ts'
import { generateSshKey, writeSshKey } from '../../src/host/ssh-key.ts'
import { openReviewSigner } from '../../src/host/ssh-signer.ts'
import type { Forge, NoticeEvent, RequestRecord } from '../../src/model/ports.ts'
import type { Bundle } from '../../src/policy/bundle/index.ts'
import { bundleOf, KEYS, type Opened, openTest, temporaryFolder } from '../app/support.ts'

/** A forge to run the approvals on, in a state of its own. */
export type ApprovalsWorld = {
  /** What stands behind `forge:` in countersign.yaml, without its braces. */
  readonly settings: string
  /** Accounts on the forge, as the roster has them; none on a forge without accounts. */
  readonly accounts: Partial<Record<Person, string>>
  /** A forge object of its own, as another process has it; each person's reviews come from their own account. */
  readonly open: () => Forge
  /** Takes the forge away from everybody. */
  readonly down: () => Promise<void>
  readonly up: () => Promise<void>
  /** What was said on a pull request, oldest first. */
  readonly said: (pull: number) => Promise<readonly string[]>
  readonly close: () => Promise<void>
}

export const PEOPLE_KEYS = { ...KEYS, cy: generateSshKey('cy') } as const
export type Person = keyof typeof PEOPLE_KEYS

export const POLL_MS = 100
const HEAD = 'apiVersion: countersign/v1\nkind: '
const TOOLS = ['refund', 'pair', 'groups', 'urgent', 'strict', 'glass', 'batch'] as const
export type Tool = (typeof TOOLS)[number]

/** One tool for each route: what the agent calls says who must review. */
export function approvalsBundle(world: ApprovalsWorld): Promise<Bundle> {
  const rules = TOOLS.map(
    (tool) => `  - { id: shop/${tool}, on: { action: ${tool} }, then: hold, route: ${tool} }\n`,
  )
  const people = Object.entries(PEOPLE_KEYS).map(([id, { fingerprint }]) => {
    const account = world.accounts[id as Person]
    const kind = /kind: (\w+)/.exec(world.settings)?.[1]
    const accounts = account === undefined ? '' : `, accounts: { ${kind}: '${account}' }`
    return `  - { id: ${id}, keys: [{ fingerprint: '${fingerprint}' }]${accounts} }\n`
  })
  return bundleOf({
    'countersign.yaml': `${HEAD}Project\nproject: shop\nforge: { ${world.settings}, poll: ${POLL_MS}ms, look: 10m }\n`,
    'policies/agents/clerk.yaml': `${HEAD}Agent\nagent: clerk\nscopes: [{ tools: ['shop.*'] }]\n`,
    'policies/tools/shop.yaml': `${HEAD}Tools\nservice: shop\ntools:\n${TOOLS.map((tool) => `  ${tool}: { effect: write }\n`).join('')}`,
    'policies/guardrails/refunds.yaml': `${HEAD}Guardrails\nrules:\n${rules.join('')}`,
    'policies/routes/routes.yaml': `${HEAD}Routes\nroutes:
  - { id: default, reviewers: [ana, bo], time_out: 1h }
  - { id: refund, reviewers: [ana, bo], time_out: 1h }
  - { id: pair, reviewers: [ana, bo, cy], quorum: 2, time_out: 1h }
  - { id: groups, groups: [{ id: money, reviewers: [ana] }, { id: law, reviewers: [bo, cy] }], time_out: 1h }
  - { id: urgent, reviewers: [ana], time_out: 1h, remind: [10m, 20m], escalate: { after: 15m, reviewers: [bo] } }
  - { id: strict, reviewers: [ana], time_out: 1h, on_time_out: reject }
  - { id: glass, reviewers: [ana, bo], time_out: 1h, break_glass: { reviewers: [cy], review_within: 24h } }
  - { id: batch, reviewers: [ana, bo], time_out: 1h, batch: { max: 3, within: 10m } }
`,
    'policies/roster.yaml': `${HEAD}Roster\npeople:\n${people.join('')}`,
  })
}

export function call(action: Tool, payload: { readonly amount: number } = { amount: 50 }) {
  return { agent: 'clerk', service: 'shop', action, payload: { ...payload } }
}

/** One data folder with its forge, and a clock that is moved by hand. */
export type Scene = Awaited<ReturnType<typeof openScene>>

export async function openScene(world: ApprovalsWorld) {
  const folder = temporaryFolder()
  const bundle = await approvalsBundle(world)
  let ahead = 0
  const told: NoticeEvent[] = []
  const clock = () => Date.now() + ahead
  return {
    world,
    folder,
    told,
    /** Lets time go by, in minutes. */
    pass: (minutes: number): void => {
      ahead += minutes * 60_000
    },
    /** An engine, as another process has it. */
    engine: (forge: Forge = world.open()): Promise<Opened> =>
      openTest({
        ...{ folder, bundle, forge, clock },
        notifier: { notify: async (event) => void told.push(event) },
      }),
  }
}

/** Posts a review on the forge and leaves it to the engine to notice: as a person whose engine is elsewhere. */
export async function post(
  { parts }: Opened,
  answer: Pick<Answer, 'request'>,
  who: Person,
  what: Review = { verdict: 'approve' },
): Promise<void> {
  const file = join(temporaryFolder(), 'key')
  await writeSshKey(file, PEOPLE_KEYS[who])
  const blind = { ...parts, forge: { ...parts.forge, reviews: async () => [] } }
  await reviewRequest(
    blind,
    String(answer.request),
    what,
    await openReviewSigner({ keyFile: file }),
  )
}

/** Posts a review and settles the request, as the command line does. */
export async function review(
  { parts }: Opened,
  answer: Pick<Answer, 'request'>,
  who: Person,
  what: Review = { verdict: 'approve' },
): Promise<RequestRecord> {
  const file = join(temporaryFolder(), 'key')
  await writeSshKey(file, PEOPLE_KEYS[who])
  return reviewRequest(
    parts,
    String(answer.request),
    what,
    await openReviewSigner({ keyFile: file }),
  )
}

/** The log as an auditor finds it. */
export function auditLog(folder: string): Readonly<Record<string, number>> {
  const report = verifyLogFolder(join(folder, 'log'))
  expect(report.problems).toEqual([])
  return report.receipts
}
