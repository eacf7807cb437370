import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { addCosignatures, publishLogTo } from '../../../app/receipts/publish-log.ts'
import { publishText, witnessesText } from '../../../report/receipts.ts'
import { withData, withExamples, withFormat } from '../options.ts'
import { type Cli, printJson, printText } from '../output.ts'

type PublishFlags = { readonly data: string; readonly to: string; readonly format: string }

/** `log publish`. */
export function registerPublish(log: Command, cli: Cli): void {
  const publish = log
    .command('publish')
    .description('bring a folder that others read up to the log; it never goes back')
    .requiredOption('--to <dir>', 'the folder: of a web server, or in a Git work tree')
    .action((flags: PublishFlags) => publishTo(cli, flags))
  withExamples(withFormat(withData(publish), ['pretty', 'json']), [
    ['countersign log publish --to /srv/www/log', 'tiles first, the checkpoint last'],
  ])
}

async function publishTo(cli: Cli, { data, to, format }: PublishFlags): Promise<void> {
  const { cwd } = cli.io
  const report = await publishLogTo(join(resolve(cwd, data), 'log'), resolve(cwd, to))
  if (format === 'json') printJson(cli, report)
  else printText(cli, publishText(report))
}

type CosignFlags = { readonly add: string; readonly trust: string; readonly format: string }

/** `log cosign`. */
export function registerCosign(log: Command, cli: Cli): void {
  const cosign = log
    .command('cosign')
    .description("add witnesses' signatures to a published checkpoint, verified")
    .argument('<dir>', 'the published folder')
    .requiredOption('--add <file>', 'the checkpoint as a witness signed it, or its signature lines')
    .requiredOption('--trust <file>', 'the trust file, with the witnesses')
    .action((folder: string, flags: CosignFlags) => addTo(cli, folder, flags))
  withExamples(withFormat(cosign, ['pretty', 'json']), [
    [
      'countersign log cosign /srv/www/log --add witness.sig --trust trust.yaml',
      'who signed, when',
    ],
  ])
}

async function addTo(cli: Cli, folder: string, flags: CosignFlags): Promise<void> {
  const at = (path: string) => resolve(cli.io.cwd, path)
  const files = { add: at(flags.add), trust: at(flags.trust) }
  const witnesses = await addCosignatures(at(folder), files)
  if (flags.format === 'json') printJson(cli, { witnesses })
  else printText(cli, witnessesText(witnesses))
}
