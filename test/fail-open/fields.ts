import { actionDocument } from '../../src/app/engine/record.ts'
import { PolicyError } from '../../src/base/errors.ts'
import type { JsonObject, JsonValue } from '../../src/base/json-value.ts'
import { applyObligations, namesIn } from '../../src/decide/evaluate/index.ts'
import { ownership, parseAction, parseActionText } from '../../src/model/action.ts'
import type { Finding } from '../../src/model/generated/types.ts'
import type { Credential, Evaluation, JudgedAction } from '../../src/model/nouns.ts'
import { fieldException } from './field-exceptions.ts'
import type { Member, Mutation } from './mutations.ts'
import { membersOf, removed, renamed, replaced, wrapped } from './mutations.ts'
import type { Subject, Subjects } from './subjects.ts'
import { judge } from './subjects.ts'
import type { Became, Tally } from './tally.ts'
import { isWeaker, RANK } from './tally.ts'

/**
 * Damages every member of every subject's action, at any depth, read by a rule or not: what no rule reads must not matter
 * either.
 */
export function damageFields(all: readonly Subjects[], tally: Tally): void {
  for (const subjects of all) {
    for (const subject of subjects.cases) {
      // The elements of a long list are alike; those at its ends stand for all.
      const members = membersOf(actionDocument(subject.action), { ends: 3 })
      for (const member of members) {
        for (const mutation of mutationsOf(member)) {
          tally.add(mutation.kind, becomes(subjects, subject, mutation))
        }
        for (const { kind, text } of textsOf(member)) {
          tally.add(kind, becomesOfText(subjects, subject, text))
        }
      }
    }
  }
}

function mutationsOf(member: Member): Mutation[] {
  return [removed(member), ...renamed(member), ...replaced(member), ...wrapped(member)]
}

/** What the engine makes of the changed action, up to its verdict. */
function becomes(subjects: Subjects, subject: Subject, mutation: Mutation): Became {
  const action = parsed(subjects, subject, () =>
    parseAction(mutation.document, credentialOf(subjects, subject)),
  )
  if (action === null) return 'refused'
  const after = judge(subjects.loaded, { ...subject, action })
  const leak = leaked(subjects, subject, { action, evaluation: after })
  if (!isWeaker(after, subject.intact) && leak === null) return 'stood'
  const fall = `${subjects.name} "${subject.name}" ${mutation.pointer}: ${subject.intact.verdict} became ${after.verdict}${leak ?? ''}`
  const reasons = lostFindings(subject.intact, after).map((finding) =>
    reasonOf(subjects, finding, mutation),
  )
  const [exception] = reasons
  if (exception === undefined || reasons.includes(null)) return { fall }
  return { exception: exception ?? '' }
}

function credentialOf({ bundle }: Subjects, { action }: Subject): Credential {
  return { project: bundle.policy.project, agents: [action.agent], role: action.role }
}

/** The action as the engine takes it in; null where it refuses it. */
function parsed(
  subjects: Subjects,
  subject: Subject,
  parse: () => JudgedAction,
): JudgedAction | null {
  try {
    const action = parse()
    return ownership(action, credentialOf(subjects, subject)) === null ? action : null
  } catch (error) {
    if (error instanceof PolicyError) return null
    throw error
  }
}

/** Findings that carried the verdict, or its changes, and are not there any more as grave as they were. */
function lostFindings(intact: Evaluation, after: Evaluation): readonly Finding[] {
  const changing = new Set(intact.obligations.map(({ rule }) => rule))
  return intact.findings.filter(
    (finding) =>
      finding.mode === 'enforce' &&
      (RANK[finding.verdict] > RANK[after.verdict] || changing.has(finding.rule)) &&
      !after.findings.some(
        (other) => other.rule === finding.rule && RANK[other.verdict] >= RANK[finding.verdict],
      ),
  )
}

function reasonOf({ bundle }: Subjects, { rule: id }: Finding, mutation: Mutation): string | null {
  const rule = bundle.policy.rules.find((one) => one.id === id)
  return fieldException(rule ?? { engine: id }, mutation)
}

/**
 * What the intact policy changes before anything runs, and the damaged action carries past it; null where nothing. A
 * verdict that denies lets nothing run.
 */
function leaked(
  { bundle }: Subjects,
  subject: Subject,
  { action, evaluation }: { readonly action: JudgedAction; readonly evaluation: Evaluation },
): string | null {
  if (subject.intact.obligations.length === 0 || evaluation.verdict === 'deny') return null
  const names = namesIn(bundle.policy)
  const run = (of: JudgedAction, { obligations }: Evaluation) =>
    new Set(leavesOf(applyObligations(of, obligations, () => '[token]', names) as JsonObject))
  const before = run(subject.action, subject.intact)
  const { payload, result } = subject.action
  const hidden = leavesOf({ payload, ...(result === undefined ? {} : { result }) }).filter(
    (leaf) => !before.has(leaf),
  )
  const after = run(action, evaluation)
  return hidden.some((leaf) => after.has(leaf)) ? ' and what was to be changed was not' : null
}

function leavesOf(value: JsonValue): string[] {
  if (typeof value !== 'object' || value === null) return [JSON.stringify(value)]
  return Object.values(value as JsonObject).flatMap(leavesOf)
}

const HERE = '\u0001here'

/** The action as JSON text, with the member a second time, or as a number that is none. */
function textsOf({ name, inList, value, put }: Member): { kind: string; text: string }[] {
  const spelled = (letters: string): string => JSON.stringify(letters)
  const textWith = (entries: readonly (readonly [string, JsonValue])[], spelling: string) =>
    JSON.stringify(put({ entries })).replace(spelled(HERE), spelling)
  const escaped = `"\\u${(name.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}${spelled(name.slice(1)).slice(1)}`
  const twice = inList
    ? []
    : [
        {
          kind: 'a second time in the text, before',
          text: textWith(
            [
              [HERE, null],
              [name, value],
            ],
            spelled(name),
          ),
        },
        {
          kind: 'a second time in the text, after',
          text: textWith(
            [
              [name, value],
              [HERE, null],
            ],
            spelled(name),
          ),
        },
        {
          kind: 'a second time in the text, spelled by its code',
          text: textWith(
            [
              [name, value],
              [HERE, ''],
            ],
            escaped,
          ),
        },
      ]
  if (typeof value !== 'number') return twice
  const numbers = ['NaN', '-Infinity', '1e999', '0x10', '0.1e-400', `${value}0000000000000000.1`]
  return [
    ...twice,
    ...numbers.map((text) => ({
      kind: 'a number that is none in the text',
      text: textWith([[name, HERE]], text),
    })),
  ]
}

function becomesOfText(subjects: Subjects, subject: Subject, text: string): Became {
  const action = parsed(subjects, subject, () =>
    parseActionText(text, credentialOf(subjects, subject)),
  )
  return action === null
    ? 'refused'
    : { fall: `${subjects.name} "${subject.name}" takes ${text.slice(0, 200)}` }
}
