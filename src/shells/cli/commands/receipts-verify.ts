import { resolve } from 'node:path'
import type { Command } from 'commander'
import {
  isDisclosedReport,
  isExportReport,
  verifyFiles,
  verifyPublished,
} from '../../../app/receipts/export-places.ts'
import { isFile, verifyLogFolder } from '../../../app/receipts/receipts.ts'
import type { LogReport } from '../../../model/log-report.ts'
import { disclosedText, exportReportText } from '../../../report/export-text.ts'
import { logReportText, receiptReportsText } from '../../../report/receipts.ts'
import { usage, withExamples, withFormat } from '../options.ts'
import { type Cli, paintOf, printJson, printText } from '../output.ts'

type Flags = { readonly trust?: string; readonly since?: string; readonly format: string }

/** `receipts verify`, and the same as `log verify`. */
export function registerVerify(parent: Command, cli: Cli): void {
  const verify = parent
    .command('verify')
    .description(
      'verify a receipt log, an export, or single receipts, offline; exit 1 when one is refused',
    )
    .argument(
      '<place...>',
      "a log's folder or published address; or files: exports, receipts with their proofs beside them, disclosed receipts",
    )
    .option('--trust <file>', 'what to trust: log keys, bundles, reviewers')
    .option('--since <file>', 'an earlier checkpoint that the log must have grown from')
    .action((places: readonly string[], flags: Flags) => verifyPlaces(cli, places, flags))
  const name = `countersign ${parent.name()} verify`
  withExamples(withFormat(verify, ['pretty', 'json']), [
    [`${name} .countersign/log`, 'self-consistent, under its own key'],
    [`${name} .countersign/log --trust trust.json`, 'verified'],
    [`${name} refund.json --trust trust.json`, 'one receipt and its proof'],
    [`${name} november.csv --trust trust.json`, 'an export: jsonl, csv or html'],
    [`${name} https://log.example.com/shop/ --trust trust.json`, 'a published log'],
  ])
}

async function verifyPlaces(cli: Cli, places: readonly string[], flags: Flags): Promise<void> {
  const at = (file: string) => resolve(cli.io.cwd, file)
  if (places.every((place) => isFile(at(place)))) return verifyNamed(cli, places.map(at), flags)
  const [place] = places
  if (place === undefined || places.length > 1) {
    throw usage('expected one log, or files of receipts and exports')
  }
  const files = {
    ...(flags.trust === undefined ? {} : { trust: at(flags.trust) }),
    ...(flags.since === undefined ? {} : { since: at(flags.since) }),
  }
  const isPublished = /^https?:\/\//i.test(place)
  printLog(
    cli,
    isPublished ? await verifyPublished(place, files) : verifyLogFolder(at(place), files),
    flags,
  )
}

async function verifyNamed(cli: Cli, files: readonly string[], flags: Flags): Promise<void> {
  const { trust, since, format } = flags
  if (trust === undefined) {
    throw usage('a receipt without its log names no key: give --trust')
  }
  if (since !== undefined) throw usage('--since is for a whole log')
  const reports = await verifyFiles(files, resolve(cli.io.cwd, trust))
  const isRefused = reports.some(({ status }) => status === 'refused')
  const exports = reports.filter(isExportReport)
  const receipts = reports.flatMap((report) => (isExportReport(report) ? [] : report))
  const paint = paintOf(cli)
  if (format === 'json') {
    const status = isRefused ? 'refused' : 'verified'
    printJson(cli, { status, receipts, ...(exports.length === 0 ? {} : { exports }) })
  } else {
    for (const report of receipts) {
      printText(cli, receiptReportsText([report], paint))
      if (isDisclosedReport(report)) printText(cli, disclosedText(report))
    }
    for (const report of exports) printText(cli, exportReportText(report, paint))
  }
  cli.exit(isRefused ? 1 : 0)
}

function printLog(cli: Cli, report: LogReport, { format }: Flags): void {
  if (format === 'json') printJson(cli, report)
  else printText(cli, logReportText(report, paintOf(cli)))
  cli.exit(report.status === 'refused' ? 1 : 0)
}
