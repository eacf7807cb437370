import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import { followLog, openPublishedLog } from '../../../app/receipts/follow-log.ts'
import { parseDuration } from '../../../base/duration.ts'
import { PolicyError } from '../../../base/errors.ts'
import type { MonitorReport } from '../../../model/log-report.ts'
import { monitorText } from '../../../report/receipts.ts'
import { untilInterrupted } from '../interrupt.ts'
import { usage, withExamples, withFormat } from '../options.ts'
import { type Cli, paintOf, printNote, printText } from '../output.ts'

type Flags = {
  readonly url: string
  readonly trust: string
  readonly state: string
  readonly every: string
  readonly once?: boolean
  readonly all?: boolean
  readonly format: string
}

/** `log monitor`. */
export function registerMonitor(log: Command, cli: Cli): void {
  const monitor = log
    .command('monitor')
    .description('follow a published log; exit 1 when it forks, goes back or is rewritten')
    .requiredOption('--url <place>', 'where the log is published: an address, or a folder')
    .requiredOption('--trust <file>', 'the trust file: keys of the log, witnesses')
    .requiredOption('--state <file>', 'the last good checkpoint is kept here')
    .option('--every <duration>', 'how often to look', '1m')
    .option('--once', 'look once, then end')
    .option('--all', 'look at every file again each time, not only at what is new')
    .action((flags: Flags) => follow(cli, flags))
  withExamples(withFormat(monitor, ['pretty', 'json']), [
    [
      'countersign log monitor --url https://log.example/ --trust trust.yaml --state seen --once',
      'for cron',
    ],
    ['countersign log monitor --url copy --trust trust.yaml --state seen', 'until Ctrl-C'],
  ])
}

async function follow(cli: Cli, flags: Flags): Promise<void> {
  const everyMs = parseDuration(flags.every)
  if (everyMs < EVERY_MS_MIN || everyMs > EVERY_MS_MAX) {
    throw usage(`--every takes 1s to 24h, not ${flags.every}`)
  }
  if (flags.once === true) return end(cli, await look(cli, flags))
  let last: MonitorReport | null = null
  await untilInterrupted(async (signal) => {
    while (!signal.aborted && last?.status !== 'alarm') {
      last = await lookAgain(cli, flags, last)
      if (last?.status !== 'alarm') await pause(everyMs, signal)
    }
  })
  if (last !== null) end(cli, last)
}

const EVERY_MS_MIN = 1_000
const EVERY_MS_MAX = 86_400_000

function end(cli: Cli, { status }: MonitorReport): void {
  cli.exit(status === 'alarm' ? 1 : 0)
}

/** A log that is away for a while is no alarm. */
async function lookAgain(
  cli: Cli,
  flags: Flags,
  last: MonitorReport | null,
): Promise<MonitorReport | null> {
  try {
    return await look(cli, flags)
  } catch (error) {
    if (!(error instanceof PolicyError) || !error.retryable) throw error
    printNote(cli, `${error.code}: ${error.message}`)
    return last
  }
}

/** Looks, and prints what it found: with `--format json` one document a line. */
async function look(cli: Cli, flags: Flags): Promise<MonitorReport> {
  const at = (path: string) => resolve(cli.io.cwd, path)
  const files = { trust: at(flags.trust), state: at(flags.state) }
  const log = openPublishedLog(flags.url, cli.io.cwd)
  const report = await followLog(log, files, { all: flags.all === true })
  if (flags.format === 'json') printText(cli, JSON.stringify(report))
  else printText(cli, monitorText(report, paintOf(cli)))
  return report
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  // Ctrl-C ends the waiting, and that is no error.
  await sleep(ms, undefined, { signal }).catch(() => undefined)
}
