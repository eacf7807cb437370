import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { discloseReceipt } from '../../../app/receipts/disclose.ts'
import { PolicyError } from '../../../base/errors.ts'
import { usage, withData, withExamples } from '../options.ts'
import { type Cli, printNote, printText } from '../output.ts'

type Flags = { readonly data: string; readonly show: readonly string[]; readonly out?: string }

/** `receipts disclose`. */
export function registerDisclose(receipts: Command, cli: Cli): void {
  const disclose = receipts
    .command('disclose')
    .description('a receipt with its proof and some of the fields that it commits to, to hand on')
    .argument('<receipt>', 'a log index, or a decision id')
    .requiredOption(
      '--show <paths>',
      'fields to show, separated by commas, such as payload.amount,payload.items[].id; below `patched.` as people left them, below `report.` what an execution gave back',
      (text: string, before: readonly string[] | undefined) => [
        ...(before ?? []),
        ...splitPaths(text),
      ],
    )
    .option('--out <file>', 'where to write it (default: print it)')
    .action((name: string, flags: Flags) => discloseOne(cli, name, flags))
  withExamples(withData(disclose), [
    [
      'countersign receipts disclose 12 --show payload.amount --out refund.disclosed.json',
      'the amount, and nothing else',
    ],
  ])
}

/** A comma within `["..."]` is part of a name. */
function splitPaths(text: string): string[] {
  const paths = text.match(/(?:\["(?:[^"\\]|\\.)*"\]|[^,])+/g) ?? []
  const trimmed = paths.map((path) => path.trim()).filter((path) => path !== '')
  if (trimmed.length === 0) throw usage('--show: expected at least one path')
  return trimmed
}

async function discloseOne(cli: Cli, receipt: string, { data, show, out }: Flags): Promise<void> {
  const { cwd } = cli.io
  const { index, text, shown } = await discloseReceipt({ data: resolve(cwd, data), receipt, show })
  if (out === undefined) return printText(cli, text)
  const file = resolve(cwd, out)
  try {
    writeFileSync(file, text, { mode: 0o600 })
  } catch (cause) {
    throw new PolicyError('FILE_UNREADABLE', `cannot write ${file}`, { cause, file })
  }
  printNote(cli, `receipt ${index}: ${out} shows ${shown.join(', ')}`)
}
