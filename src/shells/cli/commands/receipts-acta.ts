import { resolve } from 'node:path'
import type { Command } from 'commander'
import { openStoreForReading } from '../../../app/engine/open-engine.ts'
import { exportActa, importActa } from '../../../app/receipts/acta.ts'
import { withData, withExamples } from '../options.ts'
import { type Cli, printJson } from '../output.ts'

type ExportFlags = { readonly data: string; readonly key: string; readonly out: string }
type ImportFlags = {
  readonly publicKey: string
  readonly out: string
  readonly agent?: string
  readonly service: string
}

/** `receipts acta export` and `receipts acta import`. */
export function registerActa(receipts: Command, cli: Cli): void {
  const acta = receipts
    .command('acta')
    .description('convert to and from signed decision receipts (draft-farley-acta-signed-receipts)')
  const out = acta
    .command('export')
    .description("write a store's receipts as a chain of signed decision receipts, one a line")
    .requiredOption('--key <file>', 'the Ed25519 key that signs the chain, PEM; made on first use')
    .requiredOption('--out <file>', 'where to write it')
    .action((flags: ExportFlags) => exportAll(cli, flags))
  withExamples(withData(out), [
    [
      'countersign receipts acta export --key acta.pem --out acta.jsonl',
      'what was allowed or denied',
    ],
  ])
  const into = acta
    .command('import')
    .description(
      "verify another gateway's receipts and write them as sessions, for replay and diff",
    )
    .argument('<file>', 'its receipts, one a line')
    .requiredOption('--public-key <hex>', 'the Ed25519 key that signed them')
    .requiredOption('--out <file>', 'where to write the sessions')
    .option('--agent <name>', 'who acted (default: as the receipts say)')
    .option('--service <name>', 'the service of tools that name none', 'mcp')
    .action((file: string, flags: ImportFlags) => importAll(cli, file, flags))
  withExamples(into, [
    [
      'countersign receipts acta import acta.jsonl --public-key $KEY --out trace.jsonl',
      'then: countersign replay trace.jsonl',
    ],
  ])
}

async function exportAll(cli: Cli, { data, key, out }: ExportFlags): Promise<void> {
  const at = (file: string) => resolve(cli.io.cwd, file)
  const store = openStoreForReading(at(data))
  try {
    printJson(cli, await exportActa(store, { key: at(key), out: at(out) }))
  } finally {
    await store.close()
  }
}

async function importAll(cli: Cli, file: string, flags: ImportFlags): Promise<void> {
  const { out, ...rest } = flags
  const at = (name: string) => resolve(cli.io.cwd, name)
  printJson(cli, await importActa({ ...rest, file: at(file), out: at(out) }))
}
