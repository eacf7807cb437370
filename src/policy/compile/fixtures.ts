import { PolicyError } from '../../base/errors.ts'
import type { DecisionTest, Place, StepOrFixture, TestStep } from '../../model/generated/types.ts'
import { suggestion } from './report.ts'

/** A document of tests or of fixtures that knows where its parts are written. */
export type TestDocument = {
  readonly value: DecisionTest
  readonly at: (pointer?: string) => Place
}

/** What the tests of one document may start from, by name. */
export type Fixtures = ReadonlyMap<string, TestStep>

/** Fixtures of the files that have no tests of their own: those are for all. */
export function sharedFixtures(documents: readonly TestDocument[]): Fixtures {
  return new Map(
    documents
      .filter(({ value }) => value.tests === undefined)
      .flatMap(({ value }) => Object.entries(value.fixtures ?? {})),
  )
}

/** What a document's tests may name: the fixtures of its own and the shared ones. */
export function fixturesOf(document: TestDocument, shared: Fixtures): Fixtures {
  return new Map([...shared, ...Object.entries(document.value.fixtures ?? {})])
}

/**
 * A fixture and those that it starts from, the innermost first.
 *
 * @throws {PolicyError} REFERENCE_UNKNOWN with the nearest known name; VALUE_INVALID where they go in circles
 */
export function chainOf(fixtures: Fixtures, name: string): readonly TestStep[] {
  const chain: TestStep[] = []
  const seen = new Set<string>()
  let next: string | undefined = name
  while (next !== undefined) {
    const step = fixtures.get(next)
    if (step === undefined) {
      const message = `no fixture ${JSON.stringify(next)}${suggestion(next, fixtures.keys())}`
      throw new PolicyError('REFERENCE_UNKNOWN', message)
    }
    if (seen.has(next)) {
      const message = `the fixture ${JSON.stringify(next)} starts from itself`
      throw new PolicyError('VALUE_INVALID', message)
    }
    seen.add(next)
    chain.unshift(step)
    next = step.fixture
  }
  return chain
}

/** A step in its long form. */
export function asStep(step: StepOrFixture | undefined): TestStep {
  return typeof step === 'string' ? { fixture: step } : (step ?? {})
}
