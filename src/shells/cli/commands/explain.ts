import { resolve } from 'node:path'
import type { Command } from 'commander'
import { openSigner } from '../../../app/approvals/reviewer.ts'
import {
  type Explained,
  explainAction,
  explainDecision,
} from '../../../app/policy/explain-action.ts'
import { explainDocument, explainText } from '../../../report/explain-text.ts'
import {
  type PolicyFlags,
  policySource,
  usage,
  withExamples,
  withFormat,
  withPolicyOrBundle,
} from '../options.ts'
import { type Cli, paintOf, printJson, printText } from '../output.ts'
import { actionText } from './decide.ts'

type Flags = PolicyFlags & {
  readonly data?: string
  readonly role?: string
  readonly at?: string
  readonly key?: string
  readonly all?: true
  readonly format: string
}

export function registerExplain(program: Command, cli: Cli): void {
  const command = program
    .command('explain')
    .description('show why a verdict comes out, rule by rule, with the values that were looked at')
    .argument('[action]', 'the action as JSON, @FILE or - (standard input), or a decision id', '-')
    .option('--data <dir>', "an engine's folder: its state counts, and it holds the decisions")
    .option('--key <file>', 'of a decision: your SSH key, to see values in clear')
    .option('--role <role>', 'the role to act in (default: agent)')
    .option('--at <time>', 'when the action takes place: 2026-01-01T09:00:00Z (default: now)')
    .option('--all', 'list the rules that are not about the action, too')
    .action((action: string, flags: Flags) => explainOne(cli, action, flags))
  withExamples(withFormat(withPolicyOrBundle(command), ['pretty', 'json']), [
    ['countersign explain @action.json', 'nothing is written and nobody is asked'],
    ['countersign explain @action.json --data .countersign', 'with what the engine remembers'],
    ['countersign explain dec_… --key ~/.ssh/id_ed25519', 'a decision, for a reviewer'],
  ])
}

async function explainOne(cli: Cli, action: string, flags: Flags): Promise<void> {
  const explained = /^dec_[0-9a-v]{26}$/.test(action)
    ? await ofDecision(cli, action, flags)
    : await ofAction(cli, action, flags)
  const { explanation, ...run } = explained
  if (flags.format === 'json') printJson(cli, explainDocument(explanation, run))
  else printText(cli, explainText(explanation, run, paintOf(cli)))
}

async function ofAction(cli: Cli, action: string, flags: Flags): Promise<Explained> {
  const { data, role, at, key, all } = flags
  if (key !== undefined) throw usage('--key goes with a decision id')
  const now = at === undefined ? Date.now() : Date.parse(at)
  if (!Number.isSafeInteger(now)) throw usage(`expected --at to be a time, found ${at}`)
  return explainAction({
    source: policySource(cli.io, flags),
    action: await actionText(cli, action),
    role: role ?? 'agent',
    now,
    data: data === undefined ? null : resolve(cli.io.cwd, data),
    all: all === true,
  })
}

async function ofDecision(cli: Cli, decision: string, flags: Flags): Promise<Explained> {
  const { data = '.countersign', role, at, key, all } = flags
  if (role !== undefined || at !== undefined) throw usage('a decision has its own role and time')
  return explainDecision({
    source: policySource(cli.io, flags),
    decision,
    data: resolve(cli.io.cwd, data),
    signer: key === undefined ? null : await openSigner(cli.io.cwd, key),
    all: all === true,
  })
}
