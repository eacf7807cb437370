import { resolve } from 'node:path'
import type { Command } from 'commander'
import { checkProofFile, proveDecisionIn } from '../../../app/receipts/decision-proof.ts'
import { parseDuration } from '../../../base/duration.ts'
import { usage, withData, withExamples } from '../options.ts'
import { type Cli, printJson, printText } from '../output.ts'
import { readTextFile } from './decide.ts'

type MakeFlags = {
  readonly data: string
  readonly audience: string
  readonly show: readonly string[]
  readonly lifetime?: string
}
type CheckFlags = {
  readonly jwks: string
  readonly audience: string
  readonly receipt?: string
  readonly trust?: string
}

export function registerProofs(program: Command, cli: Cli): void {
  const proofs = program.command('proofs').description('signed proofs of decisions')
  const make = proofs
    .command('make')
    .description('print a signed proof of a decision for one counterparty')
    .argument('<decision>', 'a decision id, the id of a request that has ended, or a log index')
    .requiredOption('--audience <name>', 'whom it is for')
    .option(
      '--show <field>',
      'a field to show, such as payload.amount; may be given several times',
      (field: string, before: readonly string[]) => [...before, field],
      [],
    )
    .option('--lifetime <duration>', 'how long it holds (default: 1h)')
    .action((name: string, flags: MakeFlags) => makeOne(cli, name, flags))
  withExamples(withData(make), [
    ['countersign proofs make dec_4h… --audience bank.example', 'holds for an hour, for the bank'],
  ])
  const check = proofs
    .command('check')
    .description('check a proof that was made for you; exit 1 when it is refused')
    .argument('<file>', 'the proof')
    .requiredOption('--jwks <file>', "the engine's public keys, from `keys jwks`")
    .requiredOption('--audience <name>', 'your own name')
    .option('--receipt <file>', 'the receipt, with its .tlog-proof beside it; needs --trust')
    .option('--trust <file>', 'what to trust: log keys')
    .action((file: string, flags: CheckFlags) => checkOne(cli, file, flags))
  withExamples(check, [
    ['countersign proofs check proof.jwt --jwks jwks.json --audience bank.example', 'what it says'],
  ])
}

async function makeOne(cli: Cli, name: string, flags: MakeFlags): Promise<void> {
  const { data, audience, show, lifetime } = flags
  const token = await proveDecisionIn(resolve(cli.io.cwd, data), name, {
    ...{ audience, show, now: Date.now() },
    ...(lifetime === undefined ? {} : { lifetimeMs: parseDuration(lifetime) }),
  })
  printText(cli, token)
}

function checkOne(cli: Cli, file: string, flags: CheckFlags): void {
  const { jwks, audience, receipt, trust } = flags
  if ((receipt === undefined) !== (trust === undefined)) throw usage('--receipt needs --trust')
  const at = (name: string) => resolve(cli.io.cwd, name)
  const found = checkProofFile({
    token: readTextFile(cli, file).trim(),
    jwks: readTextFile(cli, jwks),
    ...{ audience, now: Date.now() },
    ...(receipt === undefined || trust === undefined
      ? {}
      : { receipt: at(receipt), trust: at(trust) }),
  })
  printJson(cli, found)
  cli.exit(found.status === 'verified' ? 0 : 1)
}
