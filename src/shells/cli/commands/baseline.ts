import { resolve } from 'node:path'
import type { Command } from 'commander'
import { type Proposed, proposeBaseline, rollBackBaseline } from '../../../app/baseline/propose.ts'
import { diffBaselines, learnToFile, showBaseline } from '../../../app/baseline/show.ts'
import type { BaselineProposal } from '../../../model/baseline-report.ts'
import { snakeCase } from '../../../report/baseline-document.ts'
import { graphDot, graphMermaid, graphText } from '../../../report/baseline-graph.ts'
import { proposalMarkdown } from '../../../report/baseline-markdown.ts'
import {
  comparisonText,
  leftOutEdgeLines,
  leftOutText,
  proposalText,
} from '../../../report/baseline-text.ts'
import { visible } from '../../../report/paint.ts'
import { policyFolder, usage, withExamples, withFormat, withPolicy } from '../options.ts'
import { type Cli, paintOf, printJson, printNote, printText, progressOf } from '../output.ts'
import {
  exampleCount,
  type LearnFlags,
  type OwnerFlags,
  ownerOf,
  settingsOf,
  sourceOf,
  versionNumber,
  withLearning,
  withOwner,
} from './baseline-flags.ts'

type ProposeFlags = LearnFlags & {
  readonly base?: string
  readonly push?: string
  readonly pull?: true
  readonly merge?: true
  readonly replace?: true
  readonly examples: string
  readonly flips: boolean
}

type RollbackFlags = OwnerFlags & {
  readonly to: string
  readonly base?: string
  readonly push?: string
  readonly pull?: true
  readonly replace?: true
}

export function registerBaseline(program: Command, cli: Cli): void {
  const baseline = program
    .command('baseline')
    .description('learn what is normal for an agent, and change it by pull request')
  registerLearn(baseline, cli)
  registerShow(baseline, cli)
  registerBaselineDiff(baseline, cli)
  registerPropose(baseline, cli)
  registerRollback(baseline, cli)
}

function registerLearn(baseline: Command, cli: Cli): void {
  const learn = withLearning(
    withOwner(baseline.command('learn').description('write the next version of a baseline')),
  )
    .option('--out <file>', "where to write it (default: the baseline's own file)")
    .action((agent: string, flags: LearnFlags & { readonly out?: string }) =>
      runLearn(cli, agent, flags),
    )
  withExamples(withFormat(withPolicy(learn), ['pretty', 'json', 'markdown']), [
    ['countersign baseline learn shop-bot', 'from what the engine decided since the last version'],
    ['countersign baseline learn shop-bot --trace good.jsonl', 'from recorded sessions'],
  ])
}

function registerShow(baseline: Command, cli: Cli): void {
  const show = withOwner(baseline.command('show').description('draw the graph of a baseline'))
    .option('--against <version>', 'show trends against this version or Git revision')
    .action((agent: string, flags: OwnerFlags & { readonly against?: string }) =>
      runShow(cli, agent, flags),
    )
  withExamples(withFormat(withPolicy(show), ['pretty', 'json', 'dot', 'mermaid']), [
    ['countersign baseline show shop-bot', 'what follows what, how often, and how odd it is'],
    ['countersign baseline show shop-bot --format dot > shop-bot.dot', 'for Graphviz'],
  ])
}

function registerBaselineDiff(baseline: Command, cli: Cli): void {
  const diff = withOwner(
    baseline.command('diff').description('compare two versions of a baseline by their meaning'),
  )
    .argument('[old]', 'a version, or a Git revision', 'HEAD')
    .argument('[new]', 'likewise (default: the file as it is now)')
    .action((agent: string, old: string, now: string | undefined, flags: OwnerFlags) =>
      runDiff(cli, agent, { old, now: now ?? null }, flags),
    )
  withExamples(withFormat(withPolicy(diff), ['pretty', 'json']), [
    ['countersign baseline diff shop-bot', 'what is not committed yet'],
    ['countersign baseline diff shop-bot 2 4', 'what two proposals changed'],
  ])
}

function registerPropose(baseline: Command, cli: Cli): void {
  const propose = withTarget(
    withLearning(
      withOwner(
        baseline
          .command('propose')
          .description('learn, and put the next version on a branch for review'),
      ),
    ),
  )
    .option('--merge', 'merge it without people where a route allows so small a change')
    .option('--examples <count>', 'flips of recorded decisions to show of each rule', '3')
    .option('--no-flips', 'do not judge the recorded decisions by both versions')
    .action((agent: string, flags: ProposeFlags) => runPropose(cli, agent, flags))
  withExamples(withFormat(withPolicy(propose), ['pretty', 'json', 'markdown']), [
    ['countersign baseline propose shop-bot --push origin', 'a branch to open a pull request from'],
    ['countersign baseline propose shop-bot --format markdown', "the pull request's text"],
  ])
}

function registerRollback(baseline: Command, cli: Cli): void {
  const rollback = withTarget(
    withOwner(baseline.command('rollback').description('propose to go back to an earlier version')),
  )
    .requiredOption('--to <version>', 'the version to go back to')
    .action((agent: string, flags: RollbackFlags) => runRollback(cli, agent, flags))
  withExamples(withFormat(withPolicy(rollback), ['pretty', 'json', 'markdown']), [
    ['countersign baseline rollback shop-bot --to 3', 'on a branch, for review'],
  ])
}

function withTarget(command: Command): Command {
  return command
    .option('--base <branch>', 'the branch to propose to (default: the one checked out)')
    .option('--push <remote>', 'push the branch to this remote')
    .option('--pull', "with --push: open its pull request on the policy's forge")
    .option('--replace', 'put it in the place of an earlier proposal of the same version')
}

async function runLearn(
  cli: Cli,
  agent: string,
  flags: LearnFlags & { readonly out?: string },
): Promise<void> {
  const progress = progressOf(cli)
  const learned = await learnToFile({
    folder: policyFolder(cli.io, flags),
    owner: ownerOf(agent, flags),
    source: sourceOf(cli, flags, progress.show),
    settings: settingsOf(flags),
    out: flags.out === undefined ? null : resolve(cli.io.cwd, flags.out),
  }).finally(progress.clear)
  if (!('proposal' in learned)) {
    printNothing(cli, learned, flags)
    return
  }
  const { proposal, file } = learned
  if (flags.format === 'json') printJson(cli, snakeCase({ state: 'learned', file, ...proposal }))
  else if (flags.format === 'markdown') printText(cli, proposalMarkdown(proposal))
  else printText(cli, `${proposalText(proposal, paintOf(cli))}\nwritten to ${visible(file)}\n`)
}

async function runShow(
  cli: Cli,
  agent: string,
  flags: OwnerFlags & { readonly against?: string },
): Promise<void> {
  const shown = await showBaseline({
    folder: policyFolder(cli.io, flags),
    owner: ownerOf(agent, flags),
    against: flags.against ?? null,
  })
  const { format } = flags
  if (format === 'json') printJson(cli, snakeCase(shown))
  else if (format === 'dot') printText(cli, graphDot(shown.graph, shown.name))
  else if (format === 'mermaid') printText(cli, graphMermaid(shown.graph))
  else printText(cli, graphText(shown, paintOf(cli)))
}

async function runDiff(
  cli: Cli,
  agent: string,
  versions: { readonly old: string; readonly now: string | null },
  flags: OwnerFlags,
): Promise<void> {
  const found = await diffBaselines({
    folder: policyFolder(cli.io, flags),
    owner: ownerOf(agent, flags),
    before: versions.old,
    after: versions.now,
  })
  if (flags.format === 'json') printJson(cli, snakeCase(found))
  else printText(cli, comparisonText(found, found, paintOf(cli)))
}

async function runPropose(cli: Cli, agent: string, flags: ProposeFlags): Promise<void> {
  const progress = progressOf(cli)
  const proposed = await proposeBaseline(targetOf(cli, agent, flags), {
    source: sourceOf(cli, flags, progress.show),
    settings: settingsOf(flags),
    merge: flags.merge === true,
    examples: flags.flips ? exampleCount(flags.examples) : null,
  }).finally(progress.clear)
  printProposed(cli, proposed, flags)
}

async function runRollback(cli: Cli, agent: string, flags: RollbackFlags): Promise<void> {
  const to = versionNumber(flags.to)
  printProposed(cli, await rollBackBaseline(targetOf(cli, agent, flags), { to }), flags)
}

function targetOf(cli: Cli, agent: string, flags: ProposeFlags | RollbackFlags) {
  if (flags.push?.startsWith('-')) throw usage('--push takes the name or the URL of a remote')
  if (flags.pull === true && flags.push === undefined) throw usage('--pull goes with --push')
  return {
    folder: policyFolder(cli.io, flags),
    owner: ownerOf(agent, flags),
    base: flags.base ?? null,
    push: flags.push ?? null,
    pull: flags.pull === true ? cli.io.env : null,
    replace: flags.replace === true,
    now: Date.now(),
  }
}

function printProposed(cli: Cli, proposed: Proposed, flags: OwnerFlags): void {
  if (proposed.state === 'nothing') {
    printNothing(cli, proposed, flags)
    return
  }
  const { proposal, state, ref, commit, obstacles, pull } = proposed
  if (flags.format === 'json') {
    printJson(cli, snakeCase({ state, ref, commit, obstacles, pull, ...proposal }))
    return
  }
  if (flags.format === 'markdown') printText(cli, proposalMarkdown(proposal))
  else printText(cli, proposalText(proposal, paintOf(cli)))
  for (const why of obstacles) printNote(cli, visible(`people must look at it: ${why}`))
  const branch = ref.replace(/^refs\/heads\//, '')
  const what = state === 'merged' ? 'merged into' : 'proposed on'
  printNote(cli, visible(`${what} ${branch} (${commit.slice(0, 12)})`))
  if (pull !== null) printNote(cli, visible(`pull request ${pull.number}: ${pull.where}`))
}

function printNothing(
  cli: Cli,
  { leftOut, leftOutEdges }: Pick<BaselineProposal, 'leftOut' | 'leftOutEdges'>,
  { format }: OwnerFlags,
): void {
  if (format === 'json') {
    printJson(cli, snakeCase({ state: 'nothing', leftOut, leftOutEdges }))
    return
  }
  const why = leftOutText(leftOut)
  const sum = `nothing new to learn${why === '' ? '' : `; ${why}`}`
  printNote(cli, [sum, ...leftOutEdgeLines(leftOutEdges)].join('\n'))
}
