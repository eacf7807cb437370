import { canonicalize } from '../../base/canonical-json.ts'
import type { JsonValue } from '../../base/json-value.ts'
import type { Effect, Request } from '../../model/generated/types.ts'
import { codeCell, codeSpan, plainLine } from './markdown.ts'

export type RenderOptions = {
  /** Longest body, in UTF-16 code units. Default: 60,000, since forges end bodies at 65,536 characters. */
  readonly lengthMax?: number
  /** What the tool does to the world; absent for one that no Tools file names. */
  readonly effect?: Effect | undefined
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
  const head = [...summary(request, options), ...instructions(request), ...deciders(request)]
  const tail = [
    section('What it covers', memberLines(request), MEMBER_TABLE),
    section('Why it waits', findingLines(request)),
    section('How the session behaves', behaviourLines(request), BEHAVIOUR_WORDS),
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

function titleOf({ service, action, agent, priority, members }: Request): string {
  const tool = plainLine(`${service}.${action}`, TITLE_PART_LENGTH_MAX)
  const times = members === undefined ? '' : ` (${members.length} times)`
  // Backticks would start a code span in a title.
  return `[${priority}] ${tool}${times} for ${plainLine(agent, TITLE_PART_LENGTH_MAX)}`.replaceAll(
    '`',
    "'",
  )
}

function summary(request: Request, { effect }: RenderOptions): string[] {
  const { agent, role, principal, session, priority } = request
  const onBehalf = principal === undefined ? 'nobody is named' : cell(principal)
  return [
    askLine(request),
    '',
    '| | |',
    '| --- | --- |',
    `| Priority | **${priority}** |`,
    `| Effect of the tool | ${effect === undefined ? 'not known' : `**${effect}**`} |`,
    `| Agent | ${cell(agent)}, role ${cell(role)}, project ${cell(request.project)} |`,
    `| On behalf of | ${onBehalf} |`,
    `| Session | ${session === undefined ? 'not shown' : cell(session)} |`,
    `| Waits until | **${plainLine(request.expires_at, 32)}**, ${endWords(request)} |`,
    `| Request | ${cell(request.id)} |`,
    `| ${request.members === undefined ? 'Action digest' : 'Digest of all'} | ${cell(request.root)} |`,
    `| Policy | ${cell(request.policy)} |`,
  ]
}

function askLine({ agent, service, action, members, ratifies }: Request): string {
  const tool = code(`${service}.${action}`)
  if (members !== undefined) {
    return `**A batch.** The agent ${code(agent)} asks to run ${tool} **${members.length} times**. One review covers all of them: they run as they are, or not at all.`
  }
  if (ratifies === undefined) return `The agent ${code(agent)} asks to run ${tool}.`
  return `**It has run.** Somebody broke the glass so that the agent ${code(agent)} could run ${tool}, by ${code(ratifies)}. Approve to ratify that, reject to disavow it.`
}

function endWords({ ratifies, routes, expires_at }: Request): string {
  if (ratifies !== undefined) return 'then it is overdue, and nobody breaks glass here any more'
  const first = routes.filter((route) => Date.parse(route.expires_at) <= Date.parse(expires_at))
  const rejects = first.some(({ on_time_out }) => on_time_out === 'reject')
  return rejects ? 'then it is rejected' : 'then it expires and does not run'
}

function instructions({ id, routes, members }: Request): string[] {
  const name = plainLine(id, 64)
  const plain = routes.filter(({ signature }) => signature === 'none').map((route) => route.id)
  const glass = routes.filter(({ break_glass }) => break_glass !== undefined)
  const merging =
    plain.length === 0
      ? 'Merging or approving here by hand has no effect: only a signed review counts.'
      : `On ${plain.map((route) => code(route)).join(', ')} a plain review of this pull request counts too: approve, or request changes. Merging by hand has no effect.`
  return [
    '',
    '## How to decide',
    '',
    merging,
    '',
    '```sh',
    `countersign requests show ${name}     # every field in clear, checked against the digest`,
    `countersign requests approve ${name}`,
    `countersign requests reject ${name} --comment 'why'`,
    ...(members === undefined
      ? [`countersign requests patch ${name} --payload @payload.json`]
      : []),
    ...(glass.length === 0
      ? []
      : [`countersign requests approve ${name} --break-glass --comment 'why it cannot wait'`]),
    '```',
  ]
}

function deciders({ routes }: Request): string[] {
  return [
    '',
    '## Who decides',
    '',
    'Every route needs its people.',
    '',
    ...routes.flatMap(routeLines),
  ]
}

function routeLines(route: Request['routes'][number]): string[] {
  const { id, quorum, reviewers, groups, signature, expires_at, escalation } = route
  const end = plainLine(expires_at, 32)
  const seated = new Set(groups?.flatMap((group) => group.reviewers))
  const who =
    groups === undefined ? `${quorum} of ${people(reviewers)}` : `${quorum} people, in groups`
  return [
    `- Route ${code(id)}: ${who}, by ${end}${SIGNATURE_WORDS[signature] ?? ''}`,
    ...(groups ?? []).map(
      (group) => `  - Group ${code(group.id)}: ${group.quorum} of ${people(group.reviewers)}`,
    ),
    ...(seated.size > 0 ? ['  - Each person counts in one group.'] : []),
    ...(route.delegates ?? []).map(
      (one) =>
        `  - ${code(one.person)} stands in for ${code(one.for)} until ${plainLine(one.until, 32)}; both count once`,
    ),
    ...(escalation === undefined
      ? []
      : [
          `  - From ${plainLine(escalation.at, 32)} on also ${people(escalation.reviewers)}, with the same quorum`,
        ]),
    ...(route.break_glass === undefined
      ? []
      : [
          `  - In an emergency ${route.break_glass.quorum} of ${people(route.break_glass.reviewers)} may break the glass; everybody is told, and the route's people look at it within ${plainLine(route.break_glass.review_within, 32)}`,
        ]),
  ]
}

const SIGNATURE_WORDS: Readonly<Record<string, string>> = {
  none: '; no signature is asked for',
  ssh: '; signed with a pinned SSH key',
  sigstore: '; signed through Sigstore',
}

function people(names: readonly string[]): string {
  return names.map((name) => code(name)).join(', ')
}

const MEMBER_TABLE = '| Request | Action digest | Fields |\n| --- | --- | --- |\n'

/** The requests of a batch, one line each: a value is cut, and a line ends early where its fields are many. */
function memberLines({ members = [] }: Request): string[] {
  return members.map(({ request, root, fields }) => {
    const texts = fields.map((field) => `${cell(field.pointer)} ${valueCell(field)}`)
    const kept: string[] = []
    let left = MEMBER_LENGTH_MAX
    for (const text of texts) {
      left -= text.length
      if (left < 0) break
      kept.push(text)
    }
    const rest = texts.length - kept.length
    if (rest > 0) kept.push(`**${rest} more fields**`)
    return `| ${cell(request)} | ${cell(root)} | ${kept.join('; ')} |`
  })
}

/** Of a batch's body, for the fields of one of its requests, in UTF-16 code units. */
const MEMBER_LENGTH_MAX = 1_000

function findingLines({ findings }: Request): string[] {
  return findings.map(({ rule, verdict, mode, message, file, line, evidence }) => {
    const shadow = mode === 'shadow' ? ' (shadow: only reported)' : ''
    const place = file === '' ? '' : `, ${code(`${file}:${line}`)}`
    const facts =
      Object.keys(evidence).length === 0 ? '' : `; evidence ${code(valueText(evidence))}`
    return `- **${verdict}**${shadow} by ${code(rule)}${place}: ${code(message)}${facts}`
  })
}

const BEHAVIOUR_WORDS =
  "What the agent's baseline says of the step. A step is odd by its surprisal: bits beyond what is expected there.\n\n"

/** An excerpt of what the behaviour score saw, from findings that rest on it. */
function behaviourLines({ findings }: Request): string[] {
  return findings.flatMap(({ rule, evidence }) => {
    const fact = (name: string): unknown =>
      Object.hasOwn(evidence, name) ? (evidence as Record<string, unknown>)[name] : undefined
    const [from, to] = [fact('from'), fact('to')]
    if (typeof from !== 'string' || typeof to !== 'string') return []
    const bits = fact('surprisal_bits')
    if (typeof bits !== 'number') return []
    const missing = fact('missing')
    return [
      `- ${code(rule)}: the step ${code(from)} to ${code(to)}, seen ${shown(fact('seen'))} times: ${shown(bits)} bits, ${shown(fact('expected_bits'))} expected`,
      `  - ${shown(fact('odder_sessions'))} of ${shown(fact('calibration_sessions'))} ordinary sessions are as odd or odder`,
      ...(missing === undefined
        ? []
        : [`  - What usually stands between: ${code(textOf(missing))}`]),
    ]
  })
}

function shown(value: unknown): string {
  return typeof value === 'number' && Number.isFinite(value)
    ? String(value)
    : 'an unknown number of'
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : valueText(value)
}

function obligationLines({ obligations }: Request): string[] {
  return obligations.map(({ kind, paths, rule }) => {
    const change = Object.hasOwn(CHANGE_WORDS, kind) ? CHANGE_WORDS[kind] : ''
    return `- ${kind} ${paths.map((path) => code(path)).join(', ')}, by ${code(rule)}${change}`
  })
}

const CHANGE_WORDS: Readonly<Record<string, string>> = {
  redact: ': value -> mask',
  tokenise: ': value -> token',
  drop: ': value -> nothing',
}

const FIELD_TABLE = '| Field | Value |\n| --- | --- |\n'

function fieldLines({ fields }: Request): string[] {
  return fields.map((field) => `| ${cell(field.pointer)} | ${valueCell(field)} |`)
}

function valueCell({ shown, type, value }: Request['fields'][number]): string {
  if (shown === 'clear') return cell(valueText(value))
  return `masked (${plainLine(type ?? 'unknown', 16).replace(/\W/g, '')})`
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
