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
  const found: Found = { times: [], names: [], cases: new Set() }
  const { tests, failed, skipped } = countSuite(root, '', found)
  const said = {
    at: found.times.length === 0 ? null : Math.min(...found.times),
    names: nameOf(found.names),
  }
  return evalOf({ passed: tests - failed - skipped, failed, skipped }, said)
}

type Found = {
  readonly times: number[]
  readonly names: string[]
  /** Path and name of each test case. */
  readonly cases: Set<string>
}

type Counts = { readonly tests: number; readonly failed: number; readonly skipped: number }

function countSuite(suite: XmlElement, path: string, found: Found): Counts {
  const name = `${path}\n${suite.attributes.get('name') ?? ''}`
  const at = suite.attributes.get('timestamp')
  if (at !== undefined) found.times.push(timeOf(at))
  let sum: Counts = { tests: 0, failed: 0, skipped: 0 }
  for (const child of suite.children) {
    if (child.name === 'testsuite') sum = plus(sum, countSuite(child, name, found))
    else if (child.name === 'testcase') sum = plus(sum, countCase(child, name, found))
    else if (child.name === 'properties') readProperties(child, found)
    else if (!IGNORED.has(child.name)) throw malformed(`no element ${child.name} in a test suite`)
  }
  checkSaid(suite, sum)
  return sum
}

const IGNORED: ReadonlySet<string> = new Set(['system-out', 'system-err'])

function plus(one: Counts, other: Counts): Counts {
  return {
    tests: one.tests + other.tests,
    failed: one.failed + other.failed,
    skipped: one.skipped + other.skipped,
  }
}

/** A case that ran again, or stands in two lists, may have been counted twice. */
function countCase({ attributes, children }: XmlElement, suite: string, found: Found): Counts {
  const name = attributes.get('name')
  if (name === undefined || name === '') throw malformed('a name of each test case')
  const key = [suite, attributes.get('classname') ?? '', name].join('\n\n')
  if (found.cases.has(key)) throw malformed('each test case once, found one twice')
  found.cases.add(key)
  const has = (child: string): boolean => children.some((one) => one.name === child)
  const unknown = children.find((one) => !CASE.has(one.name))
  if (unknown !== undefined) throw malformed(`no element ${unknown.name} in a test case`)
  const status = attributes.get('status') ?? attributes.get('result')
  const isFailed = has('failure') || has('error')
  const isSkipped = has('skipped')
  if (isFailed && isSkipped) throw malformed('a test case that failed or was skipped, found both')
  if (!isFailed && !isSkipped && status !== undefined && !PASSED.has(status.toLowerCase())) {
    throw malformed('a test case whose status and elements agree')
  }
  return { tests: 1, failed: isFailed ? 1 : 0, skipped: isSkipped ? 1 : 0 }
}

const CASE: ReadonlySet<string> = new Set([
  ...['failure', 'error', 'skipped', 'system-out', 'system-err', 'properties'],
])
const PASSED: ReadonlySet<string> = new Set(['passed', 'pass', 'success', 'ok', 'run', 'completed'])

function readProperties({ children }: XmlElement, found: Found): void {
  for (const { name, attributes } of children) {
    if (name !== 'property') throw malformed(`no element ${name} among properties`)
    const value = attributes.get('value')
    if (attributes.get('name') === RELEASE_DIGEST) found.names.push(value ?? '')
  }
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
