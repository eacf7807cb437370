/**
 * `npm run eval:behaviour [-- --data DIR] [-- --format json] [-- --folds-salt TEXT] [-- --splits N] [-- --write | --check]`:
 * detection and false alarms of the behavioural firewall on recorded sessions, beside the reference and three simpler
 * detectors. `--splits` looks at further assignments of folds. `--write` writes the reference page, `--check` fails where
 * it is not current; both take the page's own data and folds.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Data } from './data.ts'
import { DataMissingError, readData } from './data.ts'
import type { Report } from './evaluate.ts'
import { evaluateAll } from './evaluate.ts'
import { PAGE, PAGE_SIZE, pageText } from './page.ts'
import { jsonOf, textOf } from './report.ts'

const ROOT = join(import.meta.dirname, '../..')
const SPLITS_MAX = 1_000

/** What was asked for makes no sense. */
class UsageError extends Error {
  override readonly name = 'UsageError'
}

const { values: options } = parseArgs({
  options: {
    data: { type: 'string' },
    format: { type: 'string', default: 'text' },
    'folds-salt': { type: 'string', default: PAGE_SIZE.salt },
    splits: { type: 'string', default: '0' },
    write: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
  },
})

try {
  const report = evaluateAll(dataOf(), sizeOf(), (text) => {
    if (process.stderr.isTTY) process.stderr.write(`${text}\n`)
  })
  settlePage(report)
  console.log(options.format === 'json' ? jsonOf(report) : textOf(report))
  if (options.format === 'json') {
    for (const text of report.leftOut) console.error(`left out: ${text}`)
  }
} catch (error) {
  if (!(error instanceof DataMissingError || error instanceof UsageError)) throw error
  console.error(error.message)
  process.exitCode = 2
}

function dataOf(): Data {
  return readData(options.data ?? join(ROOT, '../shared/behaviour/data'))
}

function sizeOf(): { readonly salt: string; readonly splits: number } {
  const splits = Number(options.splits)
  if (!Number.isInteger(splits) || splits < 0 || splits > SPLITS_MAX) {
    throw new UsageError(`expected --splits from 0 to ${SPLITS_MAX}`)
  }
  if (options.format !== 'text' && options.format !== 'json') {
    throw new UsageError('expected --format text or json')
  }
  const salt = options['folds-salt']
  if (!options.write && !options.check) return { salt, splits }
  if (options.data !== undefined || salt !== PAGE_SIZE.salt || splits !== 0) {
    throw new UsageError(
      'the page has its own data and folds: leave out --data, --folds-salt and --splits',
    )
  }
  return PAGE_SIZE
}

function settlePage(report: Report): void {
  if (!options.write && !options.check) return
  if (report.leftOut.length > 0) {
    throw new UsageError(`the page needs all data: ${report.leftOut.join('; ')}`)
  }
  const file = join(ROOT, PAGE)
  const text = pageText(report)
  if (options.write) writeFileSync(file, text)
  if (existsSync(file) && readFileSync(file, 'utf8') === text) return
  console.error(`${PAGE} is not current: npm run eval:behaviour -- --write`)
  process.exitCode = 1
}
