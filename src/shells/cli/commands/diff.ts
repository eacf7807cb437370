import { resolve } from 'node:path'
import { type Command, Option } from 'commander'
import type { Recorded } from '../../../app/policy/count-flips.ts'
import { diffFails, diffPolicies, type FailOn } from '../../../app/policy/diff-policy.ts'
import { annotationsBelow } from '../../../report/annotations.ts'
import { diffMarkdown } from '../../../report/diff-markdown.ts'
import { annotationsOfDiff, diffDocument, diffText } from '../../../report/diff-text.ts'
import { githubAnnotations } from '../../../report/github.ts'
import {
  folderBelow,
  policyFolder,
  usage,
  withExamples,
  withFormat,
  withPolicy,
} from '../options.ts'
import { type Cli, paintOf, printJson, printText, progressOf } from '../output.ts'

type Flags = {
  readonly policy?: string
  readonly trace?: readonly string[]
  readonly carry?: true
  readonly data?: string
  readonly examples: string
  readonly failOn?: FailOn
  readonly format: string
}

export function registerDiff(program: Command, cli: Cli): void {
  const command = program
    .command('diff')
    .description('show what a change of a policy does, and which recorded decisions it flips')
    .argument('<old>', 'a bundle, a policy folder, or a Git revision: main, HEAD~1:policy-folder')
    .argument('[new]', 'likewise (default: the policy repository)')
    .option('--trace <file...>', 'recorded sessions to judge by both, as replay reads them')
    .option('--carry', 'keep the state from one session to the next (default: each starts fresh)')
    .addOption(
      new Option('--data <dir>', "judge the decisions of an engine's folder").conflicts('trace'),
    )
    .option('--examples <count>', 'flips to show of each rule', '3')
    .addOption(
      new Option(
        '--fail-on <what>',
        'exit 1 when the change may weaken the policy, flips a decision, or is there at all',
      ).choices(['weakened', 'flips', 'any']),
    )
    .action((before: string, after: string | undefined, flags: Flags) =>
      diff(cli, { before, after }, flags),
    )
  withExamples(withFormat(withPolicy(command), ['pretty', 'json', 'github', 'markdown']), [
    ['countersign diff main', 'what this folder changes of the branch main'],
    ['countersign diff old.bundle new.bundle --trace yesterday.jsonl', 'and whom it would meet'],
    ['countersign diff origin/main --fail-on weakened --format markdown', 'for a pull request'],
  ])
}

async function diff(
  cli: Cli,
  { before, after }: { readonly before: string; readonly after: string | undefined },
  flags: Flags,
): Promise<void> {
  const { failOn, format } = flags
  const folder = policyFolder(cli.io, flags)
  const progress = progressOf(cli)
  try {
    const recorded = recordedOf(cli, flags, (text) => progress.show(text))
    if (failOn === 'flips' && recorded === null) {
      throw usage('--fail-on flips needs recorded decisions: name --trace or --data')
    }
    const found = await diffPolicies({
      before,
      after: after ?? null,
      cwd: cli.io.cwd,
      folder,
      recorded,
      examples: exampleCount(flags.examples),
    })
    progress.clear()
    if (format === 'json') printJson(cli, diffDocument(found))
    else if (format === 'markdown') printText(cli, diffMarkdown(found))
    else if (format === 'github') {
      const below = annotationsBelow(folderBelow(cli.io, folder), annotationsOfDiff(found))
      printText(cli, githubAnnotations(below))
    } else printText(cli, diffText(found, paintOf(cli)))
    cli.exit(failOn !== undefined && diffFails(found, failOn) ? 1 : 0)
  } finally {
    progress.clear()
  }
}

/** Where recorded decisions come from, as flags say it. @throws {PolicyError} USAGE_INVALID */
export function recordedOf(
  cli: Cli,
  flags: Pick<Flags, 'trace' | 'data' | 'carry'>,
  show: (text: string) => void,
): Recorded | null {
  const at = (path: string) => resolve(cli.io.cwd, path)
  const { trace, data, carry } = flags
  if (data !== undefined) {
    return { data: at(data), onProgress: (count) => show(`judging: ${count} receipts`) }
  }
  if (trace === undefined) {
    if (carry) throw usage('--carry goes with --trace')
    return null
  }
  const onProgress = (count: number) => show(`judging: ${count} sessions`)
  return { traces: trace.map(at), carry: carry === true, onProgress }
}

function exampleCount(text: string): number {
  if (/^\d{1,4}$/.test(text)) return Number(text)
  throw usage(`expected --examples to be a whole number up to 9999, found ${text}`)
}
