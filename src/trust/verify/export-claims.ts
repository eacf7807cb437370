import type { Trust } from '../../model/generated/types.ts'
import type { ExportHeader, ExportReport } from '../../model/receipt-export.ts'
import { custodyClaims } from './log-custody.ts'
import type { ReceiptCheck } from './log-receipts.ts'
import type { Cosignature } from './note.ts'
import { witnessProofs } from './witness.ts'

export type ExportFound = {
  readonly header: ExportHeader
  readonly check: Omit<ReceiptCheck, 'problems'>
  readonly cosignatures: readonly Cosignature[]
  readonly trust: Trust
  /** Disclosures that were checked. */
  readonly opened: number
  readonly contexts: ReadonlySet<number>
}

/** What the check of an export has shown, in words, and what it cannot show. */
export function exportClaims(found: ExportFound): Pick<ExportReport, 'proven' | 'not_proven'> {
  const { header, check, cosignatures, trust } = found
  const { first, last, size, origin } = header
  const isFiltered = Object.keys(header.filters).length > 0
  const isWhole = !isFiltered && first === 0 && last === size - 1
  const delivered = custodyClaims(check.custody, trust, isWhole)
  const proven = [
    `each receipt stands in the log ${origin}, under one checkpoint over ${size} receipts that a pinned key signed`,
    'each receipt is whole, names this log, and its subject is the digest of its action',
    'each resolution follows a hold of the same action that is shown with it',
    `${check.reviews} review signatures hold, each over its request, action, policy and pull request`,
    ...(isFiltered ? [] : [complete(header)]),
  ]
  if (found.opened > 0) {
    proven.push(`${found.opened} disclosures open what the receipts committed to`)
  }
  if (trust.reviewers !== undefined) {
    proven.push('each signed review is by a key or identity that the trust file pins')
  }
  if (trust.policies !== undefined) {
    proven.push('each receipt names policies that the trust file lists')
  }
  proven.push(...delivered.proven, ...witnessProofs(cosignatures))
  return { proven, not_proven: [...openQuestions(found, isFiltered), ...delivered.open] }
}

/**
 * The receipts stand without a gap, and those before the first and after the last are not of the period. Where the log
 * ends under the checkpoint, nothing shows that the period had ended too.
 */
function complete({ first, last, size, period }: ExportHeader): string {
  const begin = period.from === undefined ? 'the beginning of the log' : `${period.from} on`
  const log = period.from === undefined ? 'its end' : 'the end of the log'
  const end = last === size - 1 ? `${log} at receipt ${last}` : `before ${period.to}`
  return `nothing was left out between receipt ${first} and ${last}: from ${begin} to ${end}`
}

function openQuestions(
  { header, check, cosignatures, trust, opened }: ExportFound,
  isFiltered: boolean,
): string[] {
  const { first, last, size, period } = header
  const open: string[] = []
  if (isFiltered) {
    open.push(
      `that nothing was left out: the export is filtered, so between receipt ${first} and ${last} it cannot tell`,
    )
  } else if (period.from !== undefined || period.to !== undefined) {
    open.push(
      'that no receipt further off is of the period: one whose time overtook that of others',
    )
  }
  if (isFiltered || last === size - 1) {
    open.push(
      `that the log ended at receipt ${size - 1}: an older checkpoint is signed as well (ask for the latest)`,
    )
  }
  if (opened > 0) {
    open.push('that the fields shown are whole: members and elements of them may stay hidden')
  }
  open.push(
    'that no request was ended twice: that takes the whole log',
    "that the times are right: they are the engine's and the reviewers' own",
    'that the routes and the quorum were those of the policy, and that the verdicts follow from it',
  )
  if (header.policies.some(({ name }) => name !== undefined)) {
    open.push('that the policies have the names given here: only their digests are in the receipts')
  }
  if (check.unsigned > 0) {
    open.push(
      `that ${check.unsigned} reviews without a signature were made at all: for them there is only the engine's word`,
    )
  }
  if (check.keyless > 0 && trust.sigstore === undefined) {
    open.push(
      `that ${check.keyless} reviews through Sigstore were certified and stamped by anybody (give its trusted root under --trust)`,
    )
  }
  if (trust.reviewers === undefined) {
    open.push('that the keys are those of the reviewers named (list reviewers under --trust)')
  }
  if (trust.policies === undefined) {
    open.push('that the policies are the agreed ones (list policies under --trust)')
  }
  if (cosignatures.length === 0) {
    open.push('that others were shown the same log: no witness has signed')
  }
  return open
}
