import { BASELINE_FILE_BYTES_MAX, POLICY_FILE_BYTES_MAX } from './limits.ts'

/** The most bytes that a policy file may have: a machine writes baselines, so they may be larger than others. */
export function policyFileBytesMax(path: string): number {
  return BASELINE_PATH.test(path) ? BASELINE_FILE_BYTES_MAX : POLICY_FILE_BYTES_MAX
}

const BASELINE_PATH = /(?:^|\/)baselines\/[^/]+\.ya?ml$/
