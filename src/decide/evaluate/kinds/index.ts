import { confidence } from './confidence.ts'
import { cost } from './cost.ts'
import { credential } from './credential.ts'
import { every } from './every.ts'
import { flow } from './flow.ts'
import type { Kind } from './kind.ts'
import { loop } from './loop.ts'
import { markov } from './markov.ts'
import { media } from './media.ts'
import { neverAutomate } from './never-automate.ts'
import { output } from './output.ts'
import { pattern } from './pattern.ts'
import { pii } from './pii.ts'
import { principal } from './principal.ts'
import { residency } from './residency.ts'
import { schedule } from './schedule.ts'
import { scope } from './scope.ts'
import { secret } from './secret.ts'
import { semanticLoop } from './semantic-loop.ts'
import { sequenceEntropy } from './sequence-entropy.ts'
import { velocity } from './velocity.ts'

/** Every guardrail kind by name. */
export const KINDS: ReadonlyMap<string, Kind> = new Map(
  [
    confidence,
    cost,
    credential,
    every,
    flow,
    loop,
    markov,
    media,
    neverAutomate,
    output,
    pattern,
    pii,
    principal,
    residency,
    schedule,
    scope,
    secret,
    semanticLoop,
    sequenceEntropy,
    velocity,
  ].map((kind) => [kind.name, kind]),
)
