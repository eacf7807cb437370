import { resolve } from 'node:path'
import { type Command, Option } from 'commander'
import { exportReceipts } from '../../../app/receipts/export.ts'
import { PolicyError } from '../../../base/errors.ts'
import { EXPORT_SHOWN_MAX } from '../../../base/limits.ts'
import type { Path } from '../../../base/path.ts'
import { parsePath } from '../../../base/path.ts'
import { EXPORT_FORMATS, type ExportFormat } from '../../../model/receipt-export.ts'
import { usage, withData, withExamples } from '../options.ts'
import { type Cli, printNote, progressOf } from '../output.ts'
import { version } from '../version.ts'

type Flags = {
  readonly data: string
  readonly from?: string
  readonly to?: string
  readonly agent?: string
  readonly project?: string
  readonly format: ExportFormat
  readonly out: string
  readonly show?: string
  readonly policy?: string
  readonly bundles?: string
  readonly force?: true
}

/** `receipts export`. */
export function registerExport(receipts: Command, cli: Cli): void {
  const command = receipts
    .command('export')
    .description('write the receipts of a period with their proofs, for an auditor or a SIEM')
    .option('--from <time>', 'the first moment, as 2026-11-01 (UTC) or 2026-11-01T09:00:00+01:00')
    .option('--to <time>', 'the moment after the last')
    .option('--agent <name>', 'of this agent only; then nobody can tell whether all are there')
    .option('--project <name>', 'of this project only; likewise')
    .addOption(
      new Option('--format <format>', 'ocsf and cef hold no proofs')
        .choices([...EXPORT_FORMATS])
        .makeOptionMandatory(),
    )
    .requiredOption('--out <file>', 'where to write')
    .option(
      '--show <paths>',
      'fields to write in clear, with what proves them, as payload.amount,payload.currency',
    )
    .option('--policy <dir>', 'a policy repository to name its policy after')
    .addOption(
      new Option('--bundles <dir>', 'a folder of bundles to name policies after').conflicts(
        'policy',
      ),
    )
    .option('--force', 'replace the file if it is there')
    .action((flags: Flags) => write(cli, flags))
  withExamples(withData(command), [
    [
      'countersign receipts export --from 2026-11-01 --to 2026-12-01 --format html --out november.html',
      'a report',
    ],
    [
      'countersign receipts export --format csv --show payload.amount --out all.csv',
      'all of it, with amounts',
    ],
  ])
}

async function write(cli: Cli, flags: Flags): Promise<void> {
  const { from, to, agent, project, format, show, policy, bundles } = flags
  const period = {
    ...(from === undefined ? {} : { from: timeOf(from, '--from') }),
    ...(to === undefined ? {} : { to: timeOf(to, '--to') }),
  }
  if (period.from !== undefined && period.to !== undefined && period.from >= period.to) {
    throw usage('--from must be before --to')
  }
  const at = (file: string) => resolve(cli.io.cwd, file)
  const progress = progressOf(cli)
  try {
    const summary = await exportReceipts({
      ...{ data: at(flags.data), out: at(flags.out), format, force: flags.force === true, period },
      filters: {
        ...(agent === undefined ? {} : { agent }),
        ...(project === undefined ? {} : { project }),
      },
      show: pathsOf(show),
      ...(policy === undefined ? {} : { policies: { folder: at(policy) } }),
      ...(bundles === undefined ? {} : { policies: { bundles: at(bundles) } }),
      version: version(),
      onProgress: (done) => progress.show(`exporting: ${done} receipts`),
    })
    progress.clear()
    const { first, last, size, receipts, context, erased } = summary
    const beside = context === 0 ? '' : `, ${context} of them context`
    printNote(
      cli,
      `${flags.out}: receipts ${first} to ${last} of ${size}; ${receipts} written${beside}`,
    )
    if (erased > 0)
      printNote(
        cli,
        `of ${erased} receipts nothing can be shown: their inputs are gone, or do not open`,
      )
  } finally {
    progress.clear()
  }
}

/** A time as exports have it: RFC 3339 in UTC with milliseconds. @throws {PolicyError} USAGE_INVALID */
export function timeOf(text: string, flag: string): string {
  const match = TIME.exec(text)
  const ms =
    match === null ? Number.NaN : Date.parse(match[2] === undefined ? `${text}T00:00:00Z` : text)
  // JavaScript takes 30 February for 2 March.
  const day = new Date(`${match?.[1]}T00:00:00Z`)
  const isDay = !Number.isNaN(day.getTime()) && day.toISOString().slice(0, 10) === match?.[1]
  if (!Number.isNaN(ms) && isDay) return new Date(ms).toISOString()
  throw usage(`${flag} must be a date (2026-11-01) or a time with its zone (2026-11-01T09:00:00Z)`)
}

const TIME = /^(\d{4}-\d{2}-\d{2})(T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2}))?$/

/** @throws {PolicyError} USAGE_INVALID */
function pathsOf(show: string | undefined): Path[] {
  const texts = show === undefined ? [] : show.split(',').map((one) => one.trim())
  if (new Set(texts).size !== texts.length) throw usage('--show names a field twice')
  if (texts.length > EXPORT_SHOWN_MAX)
    throw usage(`--show takes ${EXPORT_SHOWN_MAX} fields at most`)
  return texts.map((text) => {
    try {
      return parsePath(text)
    } catch (error) {
      throw error instanceof PolicyError ? usage(`--show: ${error.message}`) : error
    }
  })
}
