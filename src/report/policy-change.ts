import type { ErrorCode } from '../base/errors.ts'
import type { Place } from '../model/generated/types.ts'
import type {
  ChangeProblem,
  ChangeReport,
  CountedReview,
  NeededRoute,
  Weakening,
} from '../model/policy-change.ts'
import type { Annotation } from './annotations.ts'
import { documentationUrl } from './annotations.ts'
import { plural } from './check-text.ts'
import { type Paint, visible } from './paint.ts'

/** What the gate says of a change of the policy, for people. */
export function changeText(report: ChangeReport, paint: Paint): string {
  const { verdict, reason, pull, weakenings, routes, reviews, files, request } = report
  const word = verdict === 'open' ? paint.green('open') : paint.red('closed')
  const from = `${pull.headSha.slice(0, SHORT)} into ${pull.baseRef}`
  const lines = [
    `${word} pull/${pull.number} ${paint.dim(visible(from))} ${visible(reason)}`,
    ...report.problems.map((problem) => problemLine(problem, paint)),
    ...weakenings.map((one) => weakeningLine(one, paint)),
    ...routes.map((route) => routeLine(route, paint)),
    ...reviews.map((review) => reviewLine(review, paint)),
    ...report.refused.map((problem) => `${paint.red('refused')}  ${problemText(problem)}`),
    ...report.ignored.map((problem) => paint.dim(`ignored  ${problemText(problem)}`)),
    ...files
      .filter(({ role }) => role !== 'policy')
      .map(({ path, change }) => paint.dim(`file     ${change} ${visible(path)}`)),
    ...(request === null
      ? []
      : [paint.dim(`reviews of ${request.root} count until ${request.expiresAt}`)]),
    commitsLine(report),
  ]
  return `${lines.join('\n')}\n`
}

/** The same for programs. */
export function changeDocument(report: ChangeReport): object {
  const { pull, request, commits } = report
  return {
    verdict: report.verdict,
    reason: report.reason,
    pull: {
      number: pull.number,
      base_ref: pull.baseRef,
      base_tip: pull.tip,
      base_sha: pull.baseSha,
      head_sha: pull.headSha,
    },
    policy: report.policy,
    request:
      request === null
        ? null
        : { id: request.id, root: request.root, expires_at: request.expiresAt },
    weakenings: report.weakenings,
    routes: report.routes,
    reviews: report.reviews,
    refused: report.refused,
    ignored: report.ignored,
    files: report.files,
    commits,
    problems: report.problems,
  }
}

/** One mark for each problem, and for each weakening whose route is not satisfied; warnings for those that are. */
export function annotationsOfChange(report: ChangeReport): Annotation[] {
  const waiting = new Set(report.routes.filter(({ missing }) => missing > 0).map(({ id }) => id))
  const weakened = report.weakenings.map((one): Annotation => {
    const level = report.routes.length === 0 || waiting.has(one.route) ? 'error' : 'warning'
    const message = `${one.part} ${one.id}: ${one.message}; needs the route ${one.route}`
    return { id: `policy ${one.direction}`, level, ...placeOr(one.place), message }
  })
  const problems = [...report.problems, ...report.refused].map(
    ({ code, message, about, place }): Annotation => ({
      id: code,
      level: 'error',
      url: documentationUrl(code as ErrorCode), // Each comes from an error of ours.
      ...placeOr(place ?? null),
      message: about === undefined || message.includes(about) ? message : `${about}: ${message}`,
    }),
  )
  return [...problems, ...weakened]
}

const SHORT = 12
const PROJECT: Place = { file: 'countersign.yaml', line: 1, column: 1 }

function placeOr(place: Place | null): Place {
  const { file, line, column } = place ?? PROJECT
  return { file, line, column }
}

function problemLine(problem: ChangeProblem, paint: Paint): string {
  return `${paint.red('problem')}  ${problemText(problem)}`
}

function problemText({ code, message, about, place }: ChangeProblem): string {
  const where = place === undefined ? '' : ` ${visible(place.file)}:${place.line}:${place.column}`
  const what = about === undefined || message.includes(about) ? '' : ` ${visible(about)}`
  return `${code}${what}${where} ${visible(message)}`
}

function weakeningLine(one: Weakening, paint: Paint): string {
  const colour = one.direction === 'weaker' ? paint.red : paint.yellow
  const place = one.place === null ? '' : `${one.place.file}:${one.place.line}:${one.place.column}`
  const what = `${one.part} ${paint.bold(visible(one.id))}: ${visible(one.message)}`
  const word = `${colour(one.direction)}${' '.repeat(9 - one.direction.length)}`
  return `${word}${what}, needs ${visible(one.route)} ${paint.dim(visible(place))}`.trimEnd()
}

function routeLine(
  { id, quorum, missing, reviewers, signature }: NeededRoute,
  paint: Paint,
): string {
  const who = `${quorum} of ${reviewers.join(', ')}, signed: ${signature}`
  const word = missing === 0 ? paint.green('satisfied') : paint.red(`${missing} missing`)
  return `route    ${paint.bold(visible(id))} ${word} (${visible(who)})`
}

function reviewLine(
  { reviewer, verdict, routes, assurance, comment }: CountedReview,
  paint: Paint,
): string {
  const words = comment === undefined ? '' : `: ${visible(comment)}`
  const colour = verdict === 'approve' ? paint.green : paint.red
  return `review   ${colour(verdict)} by ${visible(reviewer)} for ${visible(routes.join(', '))} (${assurance})${words}`
}

function commitsLine({ commits }: ChangeReport): string {
  const { required, count, signers } = commits
  const by = signers.length === 0 ? '' : `, signed by ${signers.join(', ')}`
  return `${plural(count, 'commit')}, signatures asked for: ${required}${by}`
}
