import { every } from './every.ts'
import { flow } from './flow.ts'
import type { Kind } from './kind.ts'
import { loop } from './loop.ts'
import { pattern } from './pattern.ts'
import { scope } from './scope.ts'
import { velocity } from './velocity.ts'

/** Every guardrail kind by name. */
export const KINDS: ReadonlyMap<string, Kind> = new Map(
  [every, flow, loop, pattern, scope, velocity].map((kind) => [kind.name, kind]),
)
