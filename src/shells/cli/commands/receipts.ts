import { resolve } from 'node:path'
import type { Command } from 'commander'
import { openStoreForReading } from '../../../app/engine/open-engine.ts'
import { findReceipt, listReceipts } from '../../../app/receipts/receipts.ts'
import { rederiveStore } from '../../../app/receipts/rederive-store.ts'
import type { ReceiptRow } from '../../../model/log-report.ts'
import { receiptRowsText } from '../../../report/receipts.ts'
import { rederiveText } from '../../../report/rederive-text.ts'
import { usage, withData, withExamples, withFormat } from '../options.ts'
import { type Cli, paintOf, printJson, printText, progressOf } from '../output.ts'
import { registerAttestReceipt } from './log-attest.ts'
import { registerActa } from './receipts-acta.ts'
import { registerDisclose } from './receipts-disclose.ts'
import { registerErase } from './receipts-erase.ts'
import { registerExport } from './receipts-export.ts'
import { registerProve } from './receipts-prove.ts'
import { registerVerify } from './receipts-verify.ts'

type Flags = { readonly data: string; readonly format: string }
type RederiveFlags = Flags & {
  readonly bundle: readonly string[]
  readonly bundles?: string
  readonly under?: string
}

export function registerReceipts(program: Command, cli: Cli): void {
  const receipts = program
    .command('receipts')
    .description('list, show and verify decision receipts')
  const ls = receipts
    .command('ls')
    .description('list the receipts of a store in log order')
    .action((flags: Flags) => list(cli, flags))
  withFormat(withData(ls), ['pretty', 'json'])
  const show = receipts
    .command('show')
    .description('print one receipt')
    .argument('<receipt>', 'a log index, or a decision id')
    .action((name: string, flags: Flags) => showOne(cli, name, flags))
  withData(show)
  registerProve(receipts, cli)
  registerDisclose(receipts, cli)
  registerErase(receipts, cli)
  registerAttestReceipt(receipts, cli)
  registerExport(receipts, cli)
  registerVerify(receipts, cli)
  registerRederive(receipts, cli)
  registerActa(receipts, cli)
}

function registerRederive(receipts: Command, cli: Cli): void {
  const command = receipts
    .command('rederive')
    .description(
      'evaluate again what receipts are about, and compare; exit 1 unless all are the same',
    )
    .argument(
      '[which]',
      'a log index, a range such as 10..19, or a file with a receipt (default: all)',
    )
    .option(
      '--bundle <file>',
      'a bundle that receipts name; may be given several times',
      (file: string, before: readonly string[]) => [...before, file],
      [],
    )
    .option('--bundles <dir>', 'a folder of bundles')
    .option('--under <file>', 'a bundle in the place of those that the receipts name')
    .action((which: string | undefined, flags: RederiveFlags) => rederive(cli, which, flags))
  withExamples(withFormat(withData(command), ['pretty', 'json']), [
    ['countersign receipts rederive --bundles bundles', 'every receipt, under the bundle it names'],
    ['countersign receipts rederive 7 --under new.bundle', 'what another policy would have said'],
  ])
}

async function list(cli: Cli, flags: Flags): Promise<void> {
  const store = openStoreForReading(resolve(cli.io.cwd, flags.data))
  try {
    const rows: ReceiptRow[] = []
    for await (const row of listReceipts(store)) rows.push(row)
    if (flags.format === 'json') printJson(cli, rows)
    else printText(cli, receiptRowsText(rows, paintOf(cli)))
  } finally {
    await store.close()
  }
}

async function showOne(cli: Cli, name: string, flags: Flags): Promise<void> {
  const store = openStoreForReading(resolve(cli.io.cwd, flags.data))
  try {
    printJson(cli, await findReceipt(store, name))
  } finally {
    await store.close()
  }
}

async function rederive(cli: Cli, which: string | undefined, flags: RederiveFlags): Promise<void> {
  const { bundle, bundles, under } = flags
  if (under !== undefined && (bundle.length > 0 || bundles !== undefined)) {
    throw usage('--under stands in the place of --bundle and --bundles')
  }
  if (under === undefined && bundle.length === 0 && bundles === undefined) {
    throw usage('name the bundles with --bundle FILE or --bundles DIR')
  }
  const at = (file: string) => resolve(cli.io.cwd, file)
  const progress = progressOf(cli)
  try {
    const report = await rederiveStore({
      data: at(flags.data),
      bundles: {
        files: bundle.map(at),
        folders: bundles === undefined ? [] : [at(bundles)],
        ...(under === undefined ? {} : { instead: at(under) }),
      },
      cwd: cli.io.cwd,
      ...(which === undefined ? {} : { which }),
      onProgress: (done, all) => progress.show(`deriving again: ${done} of ${all} receipts`),
    })
    progress.clear()
    if (flags.format === 'json') printJson(cli, report)
    else printText(cli, rederiveText(report, paintOf(cli)))
    cli.exit(report.status === 'rederived' ? 0 : 1)
  } finally {
    progress.clear()
  }
}
