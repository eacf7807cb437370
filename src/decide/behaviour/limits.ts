/** Bounds of a baseline: what is larger is refused, or left unlearned where the text says so. */

/** Different actions of one agent. */
export const NODES_MAX = 4_000

/** Different triples of calls in a row. */
export const PATHS_MAX = 400_000

/** Rows of any other table of a baseline: of 1,000 actions each may come before each. */
export const ROWS_MAX = 1_000_000

/** Calls of one session that are learned; of what follows nothing is. */
export const CALLS_LEARNED_MAX = 1_000

/** Sessions that are kept whole, without arguments, to calibrate on. */
export const SAMPLE_MAX = 500

/** Longest run or number of repeats that a histogram tells from longer ones. */
export const REPEATS_MAX = 1_000

/** Different actions that the state of one session remembers; what should come after a further one stays odd. */
export const SEEN_MAX = 512

/** Different calls that the state of one session remembers to know a repeated one by. */
export const CALLS_REMEMBERED_MAX = 256

/** Actions unknown to the baseline that one session tells apart. */
export const STRANGERS_MAX = 128

/** UTF-16 code units of the name of such an action that the state of a session holds. */
export const STRANGER_LENGTH_MAX = 128
