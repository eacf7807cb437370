/** Put in by scripts/action.ts. */
declare const COUNTERSIGN_VERSION: string

/** This package's version. */
export const VERSION: string = COUNTERSIGN_VERSION
