import type { BehaviourChannel } from './nouns.ts'
import type { FlipReport } from './policy-diff.ts'

/** A value of two versions. */
export type BeforeAfter<T> = { readonly before: T; readonly after: T }

/** One transition of a baseline in two versions. Chances are of the first order, in millionths. */
export type EdgeChange = {
  readonly from: string
  readonly to: string
  /** How often sessions made it; what has decayed is counted in full. */
  readonly count: BeforeAfter<number>
  readonly chancePpm: BeforeAfter<number>
  readonly approvals: BeforeAfter<number>
  readonly rejections: BeforeAfter<number>
  /** Whether its tool cannot be undone, or no Tools file says what it does. */
  readonly irreversible: boolean
}

/** What became of a baseline from one version to another. */
export type BaselineComparison = {
  readonly sessions: BeforeAfter<number>
  readonly calls: BeforeAfter<number>
  /** Bits of the choice of the next call on average, in thousandths. */
  readonly entropyMillibits: BeforeAfter<number>
  /** How far the chances of all transitions moved, in millionths. */
  readonly movementPpm: number
  readonly nodes: { readonly added: readonly string[]; readonly gone: readonly string[] }
  /** Transitions that only the new version has seen, by name. */
  readonly added: readonly EdgeChange[]
  /** Transitions that only the old version has seen, by name. */
  readonly gone: readonly EdgeChange[]
  /** Transitions that both have seen, and whose chance moved by at least a thousandth: the most first. */
  readonly moved: readonly EdgeChange[]
  /** Transitions whose approvals or rejections differ, by name. */
  readonly judged: readonly EdgeChange[]
}

/** A transition that many small steps make ordinary. */
export type PoisoningWarning = {
  readonly from: string
  readonly to: string
  /** Why it matters: people rejected it, or its tool cannot be undone. */
  readonly why: 'rejected' | 'irreversible'
  /** `steady`: its chance rose with each version; `creeping`: it rose far, and no step was large. */
  readonly kind: 'steady' | 'creeping'
  /** Versions over which it rose, the newest included. */
  readonly versions: number
  readonly chancePpm: BeforeAfter<number>
}

/** How a transition looks in the graph. */
export type GraphEdge = {
  readonly from: string
  readonly to: string
  readonly count: number
  readonly sessions: number
  readonly chancePpm: number
  readonly approvals: number
  readonly rejections: number
  /** By how many standard deviations it is more surprising than what else follows `from`; null when nobody made it. */
  readonly z: number | null
  /** `rejected` by people; `anomalous` to the literal rule; `rare`: fewer than one in a hundred; else `normal`. */
  readonly status: 'normal' | 'rare' | 'anomalous' | 'rejected'
  /** Against the other version; null without one. */
  readonly trend: 'up' | 'down' | 'same' | 'new' | 'gone' | null
}

/** The first-order graph of a baseline. */
export type BaselineGraph = {
  readonly sessions: number
  readonly calls: number
  /** Actions with the number of sessions that contain them, by name. */
  readonly nodes: readonly { readonly node: string; readonly sessions: number }[]
  /** By `from`, there the likeliest first. */
  readonly edges: readonly GraphEdge[]
}

/** How far a baseline is on its way out of shadow mode. */
export type BaselineProgress = {
  readonly sessions: number
  readonly sessionsNeeded: number
  readonly entropyMillibits: number
  readonly entropyRangePpm: number | null
  readonly noveltyPpm: number | null
  readonly settled: boolean
  /** Whether its findings decide: settled, or the owner's word. */
  readonly enforced: boolean
}

/** Which baseline, and which version of it. */
export type BaselineName = {
  readonly agent: string
  /** Null for every fingerprint that has no baseline of its own. */
  readonly fingerprint: string | null
  readonly version: number
  /** In the policy repository. */
  readonly file: string
}

/** Sessions that were looked at and not learned, by the reason. */
export type LeftOut = {
  /** Not ended yet, or with a call that waits for people. */
  readonly open: number
  /** With a call that was denied, rejected or expired. */
  readonly refused: number
  /** With a transition that people rejected and the baseline never saw. */
  readonly rejected: number
  /** With a call whose inputs were erased. */
  readonly erased: number
  /** Learned before, or a continuation of what was. */
  readonly known: number
}

/** How many alarms the new version means. Shares in millionths; null where too few sessions are known to tell. */
export type AlarmRates = {
  /** Of normal sessions that will raise an alarm: the calibration sessions above the threshold, each judged by the others. */
  readonly expectedPpm: number | null
  /** Of the newly learned sessions that the version before would have stopped; null without one that is calibrated. */
  readonly stoppedBeforePpm: number | null
  readonly thresholdMillibits: BeforeAfter<number | null>
  /** Channels in which normal sessions come noticeably further than they did: what is odd there is found less. */
  readonly loosened: readonly BehaviourChannel[]
}

/** What a file says beside its counts. */
export type SettingChange = {
  readonly name: 'mode' | 'rate' | 'half_life' | 'unreviewed_movement_ppm'
} & BeforeAfter<string | number | null>

/** Everything that a reader of a proposal must know. */
export type BaselineProposal = {
  readonly name: BaselineName
  /** Version that it was made out of; null for a first one. */
  readonly previous: number | null
  /** Set for a roll-back: the version that it goes back to. */
  readonly rolledBackTo: number | null
  readonly learned: number
  readonly leftOut: LeftOut
  /** Transitions because of which sessions were left out, by name. */
  readonly leftOutEdges: readonly {
    readonly from: string
    readonly to: string
    readonly rejections: number
    readonly sessions: number
  }[]
  readonly comparison: BaselineComparison
  readonly progress: BeforeAfter<BaselineProgress | null> & { readonly after: BaselineProgress }
  readonly alarms: AlarmRates
  readonly poisoning: readonly PoisoningWarning[]
  /** Null where no recorded decisions were judged. */
  readonly flips: FlipReport | null
}
