import { PolicyError } from '../../base/errors.ts'
import type { JsonObject } from '../../base/json-value.ts'
import type { CompiledPolicy, Project } from '../../model/generated/types.ts'
import { readTrustedRoot } from '../../model/trusted-root.ts'
import type { Documents, PolicyFiles } from './documents.ts'
import type { Report } from './report.ts'
import { isSafeAddress } from './secrets.ts'

/** Reports services that anybody on the way could speak for, and a trusted root that is missing or none. */
export function checkSigstore(documents: Documents, files: PolicyFiles, report: Report): void {
  for (const entry of documents.projects) {
    const { sigstore } = entry.value
    if (sigstore === undefined) continue
    for (const key of ['fulcio_url', 'rekor_url', 'tsa_url', 'oidc_issuer'] as const) {
      const address = sigstore[key]
      if (address === undefined || isSafeAddress(address)) continue
      const message = 'expected an https address; http is for the loopback address only'
      report.error(entry.at(`/sigstore/${key}`), 'VALUE_INVALID', message)
    }
    if (sigstore.rekor_url === undefined && sigstore.tlog_min !== 0) {
      const message = 'expected the key "rekor_url", or "tlog_min: 0"'
      report.error(entry.at('/sigstore'), 'KEY_MISSING', message)
    }
    const problem = rootProblem(files.get(sigstore.trusted_root))
    if (problem === null) continue
    report.error(entry.at('/sigstore/trusted_root'), problem.code, problem.message)
  }
}

function rootProblem(text: string | undefined): PolicyError | null {
  if (text === undefined) {
    const message = 'no such file in the policy folders; put the trusted_root.json there'
    return new PolicyError('REFERENCE_UNKNOWN', message)
  }
  try {
    readTrustedRoot(text)
    return null
  } catch (error) {
    if (error instanceof PolicyError) return error
    throw error
  }
}

/** What reviews through Sigstore are checked against, the root's content included; nothing where none count. */
export function compileSigstore(
  { sigstore }: Project,
  files: PolicyFiles,
): Pick<CompiledPolicy, 'sigstore'> {
  if (sigstore === undefined) return {}
  const root: JsonObject = readTrustedRoot(files.get(sigstore.trusted_root) ?? '')
  const address = (text: string): string => text.replace(/\/+$/, '')
  return {
    sigstore: {
      trusted_root: { ...root },
      tlog_min: sigstore.tlog_min ?? 1,
      ctlog_min: sigstore.ctlog_min ?? 1,
      fulcio_url: address(sigstore.fulcio_url),
      rekor_url: sigstore.rekor_url === undefined ? null : address(sigstore.rekor_url),
      tsa_url: address(sigstore.tsa_url),
      // Compared as a whole with what the issuer says of itself.
      oidc_issuer: sigstore.oidc_issuer,
      client_id: sigstore.client_id ?? 'sigstore',
    },
  }
}
