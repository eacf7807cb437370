import type { Command } from 'commander'
import { judgeChange } from '../../../app/changes/judge-change.ts'
import { reviewChange } from '../../../app/changes/review-change.ts'
import type { ChangeReport } from '../../../model/policy-change.ts'
import { changeDocument, changeText } from '../../../report/policy-change.ts'
import { withExamples, withFormat } from '../options.ts'
import { type Cli, paintOf, printJson, printNote, printText } from '../output.ts'
import { openAnySigner, type SignerFlags, signerWords, withSigner } from '../signer.ts'
import { type ChangeFlags, changeQuery, withChange } from './change-flags.ts'

type Flags = ChangeFlags & { readonly format: string }
type ReviewFlags = Flags & SignerFlags & { readonly comment?: string }

export function registerChanges(program: Command, cli: Cli): void {
  const changes = program
    .command('changes')
    .description('review changes of the policy itself, as pull requests')
  const common = (command: Command) => withFormat(withChange(command), ['pretty', 'json'])
  const number = ['[number]', 'the pull request; without a forge it need not be given'] as const
  const show = changes
    .command('show')
    .description('show what a change weakens, who must review it, and who has')
    .argument(...number)
    .action((pull: string | undefined, flags: Flags) => showOne(cli, pull, flags))
  common(show)
  const verbs = [
    ['approve', 'sign that the change may be merged, as it is at this head'],
    ['reject', 'sign that it may not'],
  ] as const
  for (const [verdict, description] of verbs) {
    const command = changes
      .command(verdict)
      .description(description)
      .argument(...number)
      .option('--comment <text>', 'a word to whoever proposed it')
      .action((pull: string | undefined, flags: ReviewFlags) => review(cli, pull, verdict, flags))
    withExamples(common(withSigner(command)), [
      [
        `countersign changes ${verdict} 12 --base origin/main --head HEAD`,
        'signs for what `changes show` shows',
      ],
    ])
  }
}

async function showOne(cli: Cli, pull: string | undefined, flags: Flags): Promise<void> {
  const { report } = await judgeChange(changeQuery(cli, flags, pull))
  print(cli, report, flags)
}

async function review(
  cli: Cli,
  pull: string | undefined,
  verdict: 'approve' | 'reject',
  flags: ReviewFlags,
): Promise<void> {
  const query = changeQuery(cli, flags, pull)
  const { comment } = flags
  const words = { verdict, ...(comment === undefined ? {} : { comment }) }
  const { report } = await reviewChange(query, words, async (parts) => {
    const signer = await openAnySigner(cli, parts, flags)
    printNote(cli, `signing ${await signerWords(signer)}`)
    return signer
  })
  print(cli, report, flags)
}

function print(cli: Cli, report: ChangeReport, { format }: Flags): void {
  if (format === 'json') printJson(cli, changeDocument(report))
  else printText(cli, changeText(report, paintOf(cli)))
}
