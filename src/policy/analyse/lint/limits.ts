/** Pairs of an agent and a tool that its scopes have: beyond, nothing is said of what agents can reach. */
export const REACH_MAX = 500_000

/** Comparisons of a selector with one of those pairs. Most selectors meet one among the first. */
export const REACH_STEPS_MAX = 20_000_000

/** Comparisons of two rules, to find those that one always outweighs. */
export const RULE_PAIRS_MAX = 2_000_000

/** Calls that are looked up to see whether something holds them. */
export const HOLD_CALLS_MAX = 200_000

/** Roles that a call in any role is tried with. */
export const ROLES_MAX = 64

/** Values that one field is tried with, to see whether tests of it can hold together. */
export const CANDIDATES_MAX = 1_024
