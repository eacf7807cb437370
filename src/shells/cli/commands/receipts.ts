import { resolve } from 'node:path'
import type { Command } from 'commander'
import { openStoreForReading } from '../../../app/open-engine.ts'
import { findReceipt, listReceipts, verifyLogFolder } from '../../../app/receipts.ts'
import type { ReceiptRow } from '../../../model/log-report.ts'
import { logReportText, receiptRowsText } from '../../../report/receipts.ts'
import { withData, withExamples, withFormat } from '../options.ts'
import { type Cli, paintOf, printJson, printText } from '../output.ts'

type Flags = { readonly data: string; readonly format: string }
type VerifyFlags = { readonly trust?: string; readonly since?: string; readonly format: string }

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
  registerVerify(receipts, cli)
}

/** `receipts verify`, and the same as `log verify`. */
export function registerVerify(parent: Command, cli: Cli): void {
  const verify = parent
    .command('verify')
    .description('verify a receipt log, offline; exit 1 when it is refused')
    .argument('<folder>', 'the folder of the log')
    .option('--trust <file>', 'what to trust: log keys, bundles, reviewers')
    .option('--since <file>', 'an earlier checkpoint that the log must have grown from')
    .action((folder: string, flags: VerifyFlags) => verifyFolder(cli, folder, flags))
  withExamples(withFormat(verify, ['pretty', 'json']), [
    [`countersign ${parent.name()} verify .countersign/log`, 'self-consistent, under its own key'],
    [`countersign ${parent.name()} verify .countersign/log --trust trust.json`, 'verified'],
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

async function verifyFolder(cli: Cli, folder: string, flags: VerifyFlags): Promise<void> {
  const at = (file: string) => resolve(cli.io.cwd, file)
  const report = verifyLogFolder(at(folder), {
    ...(flags.trust === undefined ? {} : { trust: at(flags.trust) }),
    ...(flags.since === undefined ? {} : { since: at(flags.since) }),
  })
  if (flags.format === 'json') printJson(cli, report)
  else printText(cli, logReportText(report, paintOf(cli)))
  cli.exit(report.status === 'refused' ? 1 : 0)
}
