import type { EvalEvidence } from './release-evidence.ts'
import { evalOf, malformed, nameOf, RELEASE_DIGEST, readText, timeOf } from './release-evidence.ts'
import { readXml, type XmlElement } from './release-xml.ts'

/**
 * Reads JUnit XML: the test cases are what counts, and what suites say of their numbers must agree with them.
 *
 * @throws {PolicyError} EVIDENCE_MALFORMED
 */
export function readJunit(bytes: Uint8Array): EvalEvidence {
  const root = readXml(readText(bytes))
  if (root.name !== 'testsuites' && root.name !== 'testsuite') {
    throw malformed('the root element testsuites or testsuite')
  }
  const found: Found = { times: [], names: [], cases: new Set(), isDated: true, isNamed: true }
  const { tests, failed, skipped } = countSuite(root, TOP, found)
  const names = nameOf(found.names)
  if (names !== null && !found.isNamed)
    throw malformed('a release digest of all suites, or of none')
  const at = found.isDated && found.times.length > 0 ? found.times.reduce(least) : null
  const said = { at, names }
  return evalOf({ passed: tests - failed - skipped, failed, skipped }, said)
}

type Found = {
  readonly times: number[]
  readonly names: string[]
  /** Path and name of each test case. */
  readonly cases: Set<string>
  /** Whether each test case stands in a suite that says when it ran, and in one that names a release. */
  isDated: boolean
  isNamed: boolean
}

/** What the suites around say: it holds for all that they list. */
type Around = { readonly path: string; readonly isDated: boolean; readonly isNamed: boolean }

const TOP: Around = { path: '', isDated: false, isNamed: false }

function least(one: number, other: number): number {
  return Math.min(one, other)
}

type Counts = { readonly tests: number; readonly failed: number; readonly skipped: number }

function countSuite(suite: XmlElement, around: Around, found: Found): Counts {
  const at = suite.attributes.get('timestamp')
  if (at !== undefined) found.times.push(timeOf(at))
  const within = {
    path: `${around.path}\n${suite.attributes.get('name') ?? ''}`,
    isDated: around.isDated || at !== undefined,
    isNamed: readProperties(suite, found) || around.isNamed,
  }
  let sum: Counts = { tests: 0, failed: 0, skipped: 0 }
  for (const child of suite.children) {
    if (child.name === 'testsuite') sum = plus(sum, countSuite(child, within, found))
    else if (child.name === 'testcase') sum = plus(sum, countCase(child, within, found))
    else if (!IGNORED.has(child.name)) throw malformed(`no element ${child.name} in a test suite`)
  }
  checkSaid(suite, sum)
  return sum
}

const IGNORED: ReadonlySet<string> = new Set(['properties', 'system-out', 'system-err'])

function plus(one: Counts, other: Counts): Counts {
  return {
    tests: one.tests + other.tests,
    failed: one.failed + other.failed,
    skipped: one.skipped + other.skipped,
  }
}

/** A case that ran again, or stands in two lists, may have been counted twice. */
function countCase({ attributes, children }: XmlElement, within: Around, found: Found): Counts {
  const name = attributes.get('name')
  if (name === undefined || name === '') throw malformed('a name of each test case')
  const key = [within.path, attributes.get('classname') ?? '', name].join('\n\n')
  if (found.cases.has(key)) throw malformed('each test case once, found one twice')
  found.cases.add(key)
  found.isDated &&= within.isDated
  found.isNamed &&= within.isNamed
  const has = (child: string): boolean => children.some((one) => one.name === child)
  const unknown = children.find((one) => !CASE.has(one.name))
  if (unknown !== undefined) throw malformed(`no element ${unknown.name} in a test case`)
  const said = [attributes.get('status'), attributes.get('result')]
  const isPassed = said.every((one) => one === undefined || PASSED.has(one.toLowerCase()))
  const isFailed = has('failure') || has('error')
  const isSkipped = has('skipped')
  if (isFailed && isSkipped) throw malformed('a test case that failed or was skipped, found both')
  if (!isFailed && !isSkipped && !isPassed) {
    throw malformed('a test case whose status and elements agree')
  }
  return { tests: 1, failed: isFailed ? 1 : 0, skipped: isSkipped ? 1 : 0 }
}

const CASE: ReadonlySet<string> = new Set([
  ...['failure', 'error', 'skipped', 'system-out', 'system-err', 'properties'],
])
const PASSED: ReadonlySet<string> = new Set(['passed', 'pass', 'success', 'ok', 'run', 'completed'])

/** @returns whether they name a release */
function readProperties({ children }: XmlElement, found: Found): boolean {
  const before = found.names.length
  const lists = children.filter(({ name }) => name === 'properties')
  for (const { name, attributes } of lists.flatMap((list) => list.children)) {
    if (name !== 'property') throw malformed(`no element ${name} among properties`)
    if (attributes.get('name') === RELEASE_DIGEST) found.names.push(attributes.get('value') ?? '')
  }
  return found.names.length > before
}

function checkSaid({ attributes }: XmlElement, { tests, failed, skipped }: Counts): void {
  const said = (name: string): number | null => {
    const text = attributes.get(name)
    if (text === undefined || text === '') return null
    if (/^\d{1,9}$/.test(text)) return Number(text)
    throw malformed(`a count in the attribute ${name}`)
  }
  const [failures, errors, disabled] = [said('failures'), said('errors'), said('disabled')]
  const wrong = [
    (said('tests') ?? tests) !== tests,
    (said('skipped') ?? skipped) !== skipped,
    (failures ?? 0) + (errors ?? 0) > failed,
    failures !== null && errors !== null && failures + errors !== failed,
    (disabled ?? 0) > skipped,
  ]
  if (wrong.includes(true)) throw malformed('a test suite that counts the cases that it lists')
}
