/** Bounds on a plan. OPA's own plans stay far below all of them. */

/** Functions and entry points each: as many as a large repository has rules. */
export const FUNCTIONS_MAX = 200_000

/** Statements and blocks in one plan, at some 200 bytes of JSON each. */
export const STATEMENTS_MAX = 2_000_000

/** Constant strings, and names of files, each. */
export const STRINGS_MAX = 1_000_000

/** A constant string or a name in UTF-16 code units: a policy file may be 4 MiB and hold little else. */
export const STRING_LENGTH_MAX = 4 * 1024 * 1024

/** Blocks within blocks: generated code and closures nest as deep. */
export const NESTING_MAX = 200

/** Locals of one function. A constant table of as many numbers takes one for each. */
export const LOCALS_MAX = 40_000

/** Functions that wait for one another. */
export const CALL_DEPTH_MAX = 1_000

/**
 * What the functions of one chain of calls take of the stack, in words of 8 bytes: a frame's own and its locals. The
 * smallest stack that engines give by default is about 1 MB; this is a quarter.
 */
export const CALL_WORDS_MAX = 50_000

/** Functions that dynamic calls may reach, over all of them. */
export const CANDIDATES_MAX = 1_000_000

/** Rows and columns: Go's are 64 bits wide, no file has so many. */
export const POSITION_MAX = 2 ** 31 - 1
