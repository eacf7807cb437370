import type { CallDifference } from './builtin-answers.ts'
import type { Outcome } from './outcome.ts'

/** Calls of built-ins that we answer in another way than OPA on purpose. */
export type KnownCall = {
  readonly is: 'machine-time-zone' | 'patch-removes-all'
  readonly applies: (call: CallDifference) => boolean
  /** What stands for OPA's answer, where it gives none that there is a value for. */
  readonly instead?: Outcome
}

export const KNOWN_CALLS: readonly KnownCall[] = [
  {
    is: 'machine-time-zone',
    applies: ({ name, ours }) => name.startsWith('time.') && says(ours, 'from machine to machine'),
  },
  {
    is: 'patch-removes-all',
    applies: ({ name, ours }) => name === 'json.patch' && says(ours, 'removes the whole document'),
    // OPA goes on with nothing at all: it crashes where something looks at it, and else takes it for true.
    instead: { is: 'value', value: true },
  },
]

function says(outcome: Outcome, text: string): boolean {
  return outcome.is === 'error' && outcome.message.includes(text)
}
