import type { Place } from './generated/types.ts'

/** What one rule, or one Rego package, cost. Times in microseconds. */
export type RuleCost = {
  readonly rule: string
  readonly kind: string
  readonly place: Place
  /** How often it was asked, or remembered an action for later. */
  readonly calls: number
  readonly p50_us: number
  readonly p99_us: number
  readonly total_us: number
  /** Of what all rules cost, from 0 to 1. */
  readonly share: number
}

/** What a policy's rules cost on some actions. */
export type CostReport = {
  readonly policy: string
  /** Where the actions came from. */
  readonly source: 'traces' | 'tests'
  readonly actions: number
  readonly rounds: number
  /** Whole decisions, rules and all the rest: state, selection, folding. */
  readonly decision: { readonly p50_us: number; readonly p99_us: number }
  /** The dearest first. */
  readonly rules: readonly RuleCost[]
  /** Rules that no action selected, sorted. */
  readonly unselected: readonly { readonly rule: string; readonly place: Place }[]
}
