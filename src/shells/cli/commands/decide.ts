import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { engineOf } from '../../../app/engine/engine.ts'
import { PolicyError } from '../../../base/errors.ts'
import { outcomeText } from '../../../report/outcome.ts'
import { type EngineFlags, readInput, withEngine } from '../engine.ts'
import { withData, withExamples, withFormat, withPolicyOrBundle } from '../options.ts'
import { type Cli, paintOf, printJson, printText } from '../output.ts'

type Flags = EngineFlags & {
  readonly format: string
  readonly idempotencyKey?: string
  readonly call?: string
  readonly escrow?: boolean
}

export function registerDecide(program: Command, cli: Cli): void {
  const command = program
    .command('decide')
    .description('judge one action; a held action becomes a request')
    .argument('[action]', 'the action as JSON, or @FILE, or - for standard input', '-')
    .option('--role <role>', 'the role to act in (default: agent)')
    .option('--idempotency-key <key>', 'the same key gives the same decision')
    .option(
      '--with-secrets',
      'put the values of secrets into the payload that is printed (default: their references)',
    )
    .option('--call <decision>', 'with a result: the decision that allowed the call which gave it')
    .option('--escrow', 'hold a call that may run in escrow, until a delivery releases it; exit 1')
    .action((action: string, flags: Flags) => decide(cli, action, flags))
  withExamples(withFormat(withData(withPolicyOrBundle(command)), ['pretty', 'json']), [
    ['countersign decide @action.json', 'exit 0: allowed; 1: held or denied'],
    [
      'countersign decide @result.json --call dec_4h…',
      'what a call gave back, before the agent sees it',
    ],
  ])
}

async function decide(cli: Cli, action: string, flags: Flags): Promise<void> {
  const text = await actionText(cli, action)
  const outcome = await withEngine(cli, flags, (parts) =>
    engineOf(parts, async () => undefined).decide(text, {
      ...(flags.idempotencyKey === undefined ? {} : { idempotencyKey: flags.idempotencyKey }),
      ...(flags.call === undefined ? {} : { call: flags.call }),
      ...(flags.escrow === true ? { escrow: true } : {}),
    }),
  )
  if (flags.format === 'json') printJson(cli, outcome)
  else printText(cli, outcomeText(outcome, paintOf(cli)))
  const runs = outcome.verdict === 'allow' || outcome.verdict === 'redact'
  cli.exit(runs && outcome.escrow === undefined ? 0 : 1)
}

/** An action as JSON text: the argument itself, @FILE, or standard input for `-`. */
export async function actionText(cli: Cli, action: string): Promise<string> {
  if (action === '-') return readInput(cli)
  return action.startsWith('@') ? readTextFile(cli, action.slice(1)) : action
}

/** @throws {PolicyError} FILE_UNREADABLE */
export function readTextFile(cli: Cli, name: string): string {
  const file = resolve(cli.io.cwd, name)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file))
  } catch (cause) {
    throw new PolicyError('FILE_UNREADABLE', `cannot read ${name} as UTF-8 text`, {
      cause,
      file: name,
    })
  }
}
