import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { openSigner } from '../../../app/approvals/reviewer.ts'
import type { HandoffInput, StepSigner } from '../../../app/engine/custody.ts'
import { custodyOf, mandateInput } from '../../../app/engine/custody.ts'
import type { Answer, Engine } from '../../../app/engine/engine.ts'
import { engineOf } from '../../../app/engine/engine.ts'
import type { Parts } from '../../../app/engine/parts.ts'
import { proveReceipt } from '../../../app/receipts/receipt-proofs.ts'
import { findReceipt } from '../../../app/receipts/receipts.ts'
import { fromUtf8 } from '../../../base/digest.ts'
import { parseDuration } from '../../../base/duration.ts'
import { PolicyError } from '../../../base/errors.ts'
import { parseJson } from '../../../base/json-parse.ts'
import type { JsonObject } from '../../../base/json-value.ts'
import { deliveryRowsText, deliveryText, stepTakenText } from '../../../report/deliveries.ts'
import { type EngineFlags, withEngine } from '../engine.ts'
import { usage, withData, withExamples, withFormat, withPolicyOrBundle } from '../options.ts'
import { type Cli, paintOf, printJson, printText } from '../output.ts'
import { readTextFile } from './decide.ts'

type Flags = EngineFlags & { readonly format: string }
type StepFlags = Flags & { readonly as: string; readonly key?: string }
type HandoffFlags = Flags & {
  readonly to: string
  readonly delivery?: string
  readonly escrow: readonly string[]
  readonly deadline?: string
  readonly confirm?: boolean
  readonly mandate: readonly string[]
  readonly key?: string
}

export function registerDeliveries(program: Command, cli: Cli): void {
  const deliveries = program
    .command('deliveries')
    .description('what agents hand to each other, and what is held until it arrives')
  const common = (command: Command) =>
    withFormat(withData(withPolicyOrBundle(command)), ['pretty', 'json'])
  const ls = deliveries
    .command('ls')
    .description('list deliveries, the last to have gone on first')
    .action((flags: Flags) => list(cli, flags))
  common(ls)
  const show = deliveries
    .command('show')
    .description('show a delivery step by step; as JSON with the proof that each stands in the log')
    .argument('<id>', 'the delivery')
    .action((id: string, flags: Flags) => showOne(cli, id, flags))
  common(show)
  registerHandoff(deliveries, cli, common)
  registerSteps(deliveries, cli, common)
}

type Common = (command: Command) => Command

const KEY = ['--key <file>', "the acting agent's SSH key, where its file lists one"] as const

function registerHandoff(deliveries: Command, cli: Cli, common: Common): void {
  const many = (one: string, before: readonly string[]) => [...before, one]
  const handoff = deliveries
    .command('handoff')
    .description('hand something to another agent, under a decision that allowed it')
    .argument('<decision>', 'a decision id, or its log index')
    .requiredOption('--to <agent>', 'who is to take it')
    .option('--delivery <uuid>', 'a delivery that goes on, or the id of a new one')
    .option('--escrow <decision>', 'a decision that it holds; may be given several times', many, [])
    .option('--deadline <duration>', 'when people are asked about what is held (default: 24h)')
    .option('--confirm', 'the first giver says `fulfilled`, not who has it last')
    .option('--mandate <kind=file>', 'x402=FILE or ap2=FILE; may be given several times', many, [])
    .option(...KEY)
    .action((decision: string, flags: HandoffFlags) => handOff(cli, decision, flags))
  withExamples(common(handoff), [
    ['countersign deliveries handoff dec_4h… --to carrier', 'begins a delivery'],
    [
      'countersign deliveries handoff dec_4h… --to carrier --escrow dec_7k… --deadline 2h',
      'the second decision does not run before the delivery is fulfilled',
    ],
  ])
}

function registerSteps(deliveries: Command, cli: Cli, common: Common): void {
  const accept = deliveries
    .command('accept')
    .description('take what was handed on')
    .argument('<id>', 'the delivery')
    .requiredOption('--as <agent>', 'who takes it')
    .option(...KEY)
    .action((id: string, flags: StepFlags) => acceptOne(cli, id, flags))
  common(accept)
  const outcome = deliveries
    .command('outcome')
    .description('say how a delivery ended; exit 1 when people must decide on what it holds')
    .argument('<id>', 'the delivery')
    .argument('<outcome>', 'fulfilled, disputed or failed')
    .requiredOption('--as <agent>', 'who says so')
    .option(...KEY)
    .action((id: string, said: string, flags: StepFlags) => recordOne(cli, id, said, flags))
  common(outcome)
  const claim = deliveries
    .command('claim')
    .description('print what became of a decision in escrow; exit 1 while nothing may run')
    .argument('<decision>', 'the decision, as it was asked for')
    .action((decision: string, flags: Flags) => claimOne(cli, decision, flags))
  common(claim)
}

async function list(cli: Cli, flags: Flags): Promise<void> {
  await withEngine(cli, flags, async (parts) => {
    const rows = await custodyOf(parts).deliveries(LISTED_MAX)
    if (flags.format === 'json') printJson(cli, rows)
    else printText(cli, deliveryRowsText(rows, paintOf(cli)))
  })
}

const LISTED_MAX = 1_000

async function showOne(cli: Cli, id: string, flags: Flags): Promise<void> {
  await withEngine(cli, flags, async (parts) => {
    const delivery = await custodyOf(parts).delivery(id)
    if (flags.format !== 'json') return printText(cli, deliveryText(delivery, paintOf(cli)))
    const chain = []
    for (const one of delivery.chain) {
      const folder = join(parts.dataFolder, 'log')
      const { entry, proof } = await proveReceipt(parts.store, folder, String(one.receipt.index))
      chain.push({ ...one, entry: fromUtf8(entry), proof })
    }
    printJson(cli, { ...delivery, chain })
  })
}

async function handOff(cli: Cli, decision: string, flags: HandoffFlags): Promise<void> {
  const { to, delivery, deadline, confirm } = flags
  await withEngine(cli, flags, async (parts) => {
    const escrow: string[] = []
    for (const name of flags.escrow) escrow.push(await decisionId(parts, name))
    const input: HandoffInput = {
      ...{ decision: await decisionId(parts, decision), to },
      ...(delivery === undefined ? {} : { delivery }),
      ...(escrow.length === 0 ? {} : { escrow }),
      ...(deadline === undefined ? {} : { deadlineMs: parseDuration(deadline) }),
      ...(confirm === true ? { outcomeBy: 'giver' as const } : {}),
      mandates: flags.mandate.map((text) => mandateOf(cli, text)),
    }
    const taken = await custodyOf(parts).handoff({ ...input, ...(await signerOf(cli, flags.key)) })
    if (flags.format === 'json') printJson(cli, taken)
    else printText(cli, stepTakenText(taken, paintOf(cli)))
  })
}

async function acceptOne(cli: Cli, delivery: string, flags: StepFlags): Promise<void> {
  await withEngine(cli, flags, async (parts) => {
    const input = { delivery, agent: flags.as, ...(await signerOf(cli, flags.key)) }
    const taken = await custodyOf(parts).acceptHandoff(input)
    if (flags.format === 'json') printJson(cli, taken)
    else printText(cli, stepTakenText(taken, paintOf(cli)))
  })
}

async function recordOne(
  cli: Cli,
  delivery: string,
  said: string,
  flags: StepFlags,
): Promise<void> {
  const outcome = OUTCOMES.find((one) => one === said)
  if (outcome === undefined) throw usage(`an outcome is ${OUTCOMES.join(', ')}, not ${said}`)
  await withEngine(cli, flags, async (parts) => {
    const signing = await signerOf(cli, flags.key)
    const input = { delivery, agent: flags.as, outcome, ...signing }
    const taken = await custodyOf(parts).recordOutcome(input)
    if (flags.format === 'json') printJson(cli, taken)
    else printText(cli, stepTakenText(taken, paintOf(cli)))
    cli.exit(taken.state === 'asked' ? 1 : 0)
  })
}

const OUTCOMES = ['fulfilled', 'disputed', 'failed'] as const

async function claimOne(cli: Cli, name: string, flags: Flags): Promise<void> {
  await withEngine(cli, flags, async (parts) => {
    const engine = engineOf(parts, async () => undefined)
    const answer = await claimOrSay(engine, await decisionId(parts, name))
    const { status, decision, reason } = answer
    if (flags.format === 'json') printJson(cli, answer)
    else printText(cli, `${paintOf(cli).bold(status)}  ${decision}\n  ${reason}`)
    cli.exit(answer.payload === undefined ? 1 : 0)
  })
}

/** What may not run yet, or never, is an answer here and no failure of the command. */
async function claimOrSay(engine: Engine, decision: string): Promise<Answer> {
  try {
    return await engine.claim(decision)
  } catch (error) {
    const said = error instanceof PolicyError && ESCROW_CODES.has(error.code)
    if (!said) throw error
    const reason = `${error.code}: ${error.message}`
    return { status: 'ESCROWED', changes: [], reason, decision }
  }
}

const ESCROW_CODES: ReadonlySet<string> = new Set(['ESCROW_HELD', 'ESCROW_VOID'])

/** A decision by its own id, or by the log index of its receipt. */
async function decisionId({ store }: Parts, name: string): Promise<string> {
  if (!/^\d+$/.test(name)) return name
  const { receipt } = await findReceipt(store, name)
  return String((receipt.predicate as { readonly id?: unknown }).id)
}

async function signerOf(cli: Cli, key: string | undefined): Promise<{ signer?: StepSigner }> {
  return key === undefined ? {} : { signer: await openSigner(cli.io.cwd, resolve(cli.io.cwd, key)) }
}

function mandateOf(cli: Cli, text: string) {
  const [kind = '', ...rest] = text.split('=')
  if (rest.length === 0) throw usage('--mandate is x402=FILE or ap2=FILE')
  return mandateInput(kind, parseJson(readTextFile(cli, rest.join('='))) as JsonObject)
}
