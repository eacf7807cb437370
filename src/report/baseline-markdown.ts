import type { BaselineProposal } from '../model/baseline-report.ts'
import { proposalText, titleOf } from './baseline-text.ts'
import { painter, visible } from './paint.ts'

/**
 * What a new version of a baseline means, as the body of a pull request. All of it stands in one block of code, so that no
 * name of an action can mention people or make links.
 */
export function proposalMarkdown(proposal: BaselineProposal): string {
  const [, ...lines] = proposalText(proposal, painter(false)).trimEnd().split('\n')
  const text = visible(lines.join('\n').trim())
  const runs = [...text.matchAll(/`+/g)].map(([run]) => run.length)
  const fence = '`'.repeat(Math.max(3, ...runs.map((length) => length + 1)))
  const warnings = proposal.poisoning.length
  const warned =
    warnings === 0 ? [] : [`⚠️ ${warnings} of these changes may be taught on purpose.`, '']
  const title = titleOf(proposal).replaceAll(/[`<>@#[\]\\*_|]/g, ' ')
  return `${[`### ${title}`, '', ...warned, `${fence}text`, text, fence].join('\n')}\n`
}
