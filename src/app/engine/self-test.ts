import { PolicyError } from '../../base/errors.ts'
import { parseAction } from '../../model/action.ts'
import type { CompiledSelfTest, TestStep, VerdictWord } from '../../model/generated/types.ts'
import type { Judge } from './judge.ts'

/**
 * Asks a policy about actions that it must refuse, in a state without a past. Beside those that are named, the engine's
 * own: an agent that no policy knows.
 *
 * @param now - Unix milliseconds
 * @throws {PolicyError} BUNDLE_SELF_TEST for the first that it does not refuse
 */
export async function selfTest(
  judge: Judge,
  tests: readonly CompiledSelfTest[],
  now: number,
): Promise<void> {
  for (const test of [STRANGER, ...tests]) {
    const verdict = await verdictOf(judge, test.action, now)
    if (verdict === 'deny' || (verdict === 'hold' && test.expect === 'hold')) continue
    const message = `expected ${test.expect} for ${JSON.stringify(test.name)}, the policy says ${verdict}`
    throw new PolicyError('BUNDLE_SELF_TEST', message)
  }
}

const STRANGER: CompiledSelfTest = {
  name: 'an agent that no policy knows',
  action: { agent: 'countersign-self-test', service: 'countersign-self-test', action: 'act' },
  expect: 'deny',
}

async function verdictOf(judge: Judge, step: TestStep, now: number): Promise<VerdictWord> {
  const { at: _, ...fields } = step
  try {
    const { project } = judge.bundle.policy
    const action = parseAction(fields, { project, agents: ['*'], role: fields.role ?? 'agent' })
    return (await judge.evaluate({ action, state: {}, now })).verdict
  } catch (cause) {
    // The engine would deny what cannot be judged; a policy that cannot judge at all is none to take.
    const message = `the policy cannot judge ${JSON.stringify(step.service ?? '')}`
    throw new PolicyError('BUNDLE_SELF_TEST', message, { cause })
  }
}
