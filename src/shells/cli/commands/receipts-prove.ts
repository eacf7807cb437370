import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { openStoreForReading } from '../../../app/engine/open-engine.ts'
import { proveReceipt, writeProvenReceipt } from '../../../app/receipts/receipt-proofs.ts'
import { withData, withExamples } from '../options.ts'
import { type Cli, printNote, printText } from '../output.ts'

type Flags = { readonly data: string; readonly out?: string }

/** `receipts prove`. */
export function registerProve(receipts: Command, cli: Cli): void {
  const prove = receipts
    .command('prove')
    .description('prove that a receipt stands in the log, for somebody who has only the receipt')
    .argument('<receipt>', 'a log index, or a decision id')
    .option(
      '--out <file>',
      'write the receipt to FILE and its proof to FILE.tlog-proof (default: print the proof)',
    )
    .action((name: string, flags: Flags) => proveOne(cli, name, flags))
  withExamples(withData(prove), [
    ['countersign receipts prove 12 --out refund.json', 'refund.json and refund.json.tlog-proof'],
  ])
}

async function proveOne(cli: Cli, name: string, { data, out }: Flags): Promise<void> {
  const folder = resolve(cli.io.cwd, data)
  const store = openStoreForReading(folder)
  try {
    const proven = await proveReceipt(store, join(folder, 'log'), name)
    if (out === undefined) return printText(cli, proven.proof)
    const written = await writeProvenReceipt(resolve(cli.io.cwd, out), proven)
    printNote(cli, `receipt ${proven.index}: ${written.join(', ')}`)
  } finally {
    await store.close()
  }
}
