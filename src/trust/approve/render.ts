import { canonicalize } from '../../base/canonical-json.ts'
import type { JsonValue } from '../../base/json-value.ts'
import type { Request } from '../../model/generated/types.ts'
import { codeCell, codeSpan, plainLine } from './markdown.ts'

export type RenderOptions = {
  /** Longest body, in UTF-16 code units. Default: 60,000, since forges end bodies at 65,536 characters. */
  readonly lengthMax?: number
}

/**
 * A request as the title and the Markdown body of its pull request: what the agent wants, why it waits, who decides
 * until when, and how. Everything that an agent or its input may have written stands in code spans, where forges
 * neither notify people nor make links, with control and direction characters spelled out.
 *
 * Lists that do not fit end with a line that says how many entries are left out; one value is cut at 400 characters
 * and says so. Nothing is cut from `request.json`.
 */
export function renderPull(
  request: Request,
  options: RenderOptions = {},
): { title: string; body: string } {
  const lengthMax = options.lengthMax ?? BODY_LENGTH_MAX
  const head = [...summary(request), ...instructions(request), ...deciders(request)]
  const tail = [
    section('Why it waits', findingLines(request)),
    section('What happens to the payload before it runs', obligationLines(request)),
    section('The action, field by field', fieldLines(request), FIELD_TABLE),
  ]
  let body = cut(head, { lengthMax, rest: 'lines' })
  for (const { title, preface, lines } of tail) {
    if (lines.length === 0) continue
    const start = `\n\n## ${title}\n\n${preface}`
    const left = lengthMax - body.length - start.length
    if (left < OMISSION_LENGTH_MAX) break
    body += start + cut(lines, { lengthMax: left, rest: 'entries' })
  }
  return { title: titleOf(request), body: `${body}\n` }
}

const BODY_LENGTH_MAX = 60_000
const VALUE_LENGTH_MAX = 400
const TITLE_PART_LENGTH_MAX = 80
/** Room kept for the line that says what is left out. */
const OMISSION_LENGTH_MAX = 120

function titleOf({ service, action, agent, priority }: Request): string {
  const tool = plainLine(`${service}.${action}`, TITLE_PART_LENGTH_MAX)
  // Backticks would start a code span in a title.
  return `[${priority}] ${tool} for ${plainLine(agent, TITLE_PART_LENGTH_MAX)}`.replaceAll('`', "'")
}

function summary(request: Request): string[] {
  const { service, action, agent, role, principal, session, priority } = request
  const onBehalf = principal === undefined ? 'nobody is named' : cell(principal)
  return [
    `The agent ${code(agent)} asks to run ${code(`${service}.${action}`)}.`,
    '',
    '| | |',
    '| --- | --- |',
    `| Priority | **${priority}** |`,
    `| Agent | ${cell(agent)}, role ${cell(role)}, project ${cell(request.project)} |`,
    `| On behalf of | ${onBehalf} |`,
    `| Session | ${session === undefined ? 'not shown' : cell(session)} |`,
    `| Waits until | **${plainLine(request.expires_at, 32)}**, then it expires and does not run |`,
    `| Request | ${cell(request.id)} |`,
    `| Action digest | ${cell(request.root)} |`,
    `| Policy | ${cell(request.policy)} |`,
  ]
}

function instructions({ id }: Request): string[] {
  const name = plainLine(id, 64)
  return [
    '',
    '## How to decide',
    '',
    'Merging or approving here by hand has no effect: only a signed review counts.',
    '',
    '```sh',
    `countersign requests show ${name}     # every field in clear, checked against the digest`,
    `countersign requests approve ${name}`,
    `countersign requests reject ${name} --comment 'why'`,
    `countersign requests patch ${name} --payload @payload.json`,
    '```',
  ]
}

function deciders({ routes }: Request): string[] {
  const lines = routes.map(({ id, quorum, reviewers, expires_at }) => {
    const people = reviewers.map((reviewer) => code(reviewer)).join(', ')
    return `- Route ${code(id)}: ${quorum} of ${people}, by ${plainLine(expires_at, 32)}`
  })
  return ['', '## Who decides', '', 'Every route needs its people.', '', ...lines]
}

function findingLines({ findings }: Request): string[] {
  return findings.map(({ rule, verdict, mode, message, file, line }) => {
    const shadow = mode === 'shadow' ? ' (shadow: only reported)' : ''
    const place = file === '' ? '' : `, ${code(`${file}:${line}`)}`
    return `- **${verdict}**${shadow} by ${code(rule)}${place}: ${code(message)}`
  })
}

function obligationLines({ obligations }: Request): string[] {
  return obligations.map(({ kind, paths, rule }) => {
    return `- ${kind} ${paths.map((path) => code(path)).join(', ')}, by ${code(rule)}`
  })
}

const FIELD_TABLE = '| Field | Value |\n| --- | --- |\n'

function fieldLines({ fields }: Request): string[] {
  return fields.map((field) => {
    const type = plainLine(field.type ?? 'unknown', 16)
    const value =
      field.shown === 'clear' ? cell(valueText(field.value)) : `masked (${type.replace(/\W/g, '')})`
    return `| ${cell(field.pointer)} | ${value} |`
  })
}

/** The request came from JSON, so its values are plain JSON whatever the generated type says. */
function valueText(value: unknown): string {
  return value === undefined ? '' : canonicalize(value as JsonValue)
}

function cell(text: string): string {
  return codeCell(text, VALUE_LENGTH_MAX)
}

function code(text: string): string {
  return codeSpan(text, VALUE_LENGTH_MAX)
}

function section(
  title: string,
  lines: readonly string[],
  preface = '',
): { title: string; preface: string; lines: readonly string[] } {
  return { title, preface, lines }
}

/** As many lines as fit, and a word on how many do not. */
function cut(
  lines: readonly string[],
  { lengthMax, rest }: { lengthMax: number; rest: string },
): string {
  const kept: string[] = []
  let length = 0
  for (const line of lines) {
    length += line.length + 1
    if (length > lengthMax - OMISSION_LENGTH_MAX) break
    kept.push(line)
  }
  const left = lines.length - kept.length
  if (left > 0)
    kept.push('', `**${left} more ${rest}** are left out here; \`request.json\` has them.`)
  return kept.join('\n')
}
