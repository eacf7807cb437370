import { createPublicKey, generateKeyPairSync, sign, X509Certificate } from 'node:crypto'
import type { Signature, Signer, Witness } from '@sigstore/sign'
import { canonicalize } from '../../base/canonical-json.ts'
import { certificateIdentity, type SigstoreIdentity } from '../../base/certificate-identity.ts'
import { PolicyError } from '../../base/errors.ts'
import type { JsonValue } from '../../base/json-value.ts'
import type { KeylessSigner } from '../../model/ports.ts'
import { refused, unreachable } from './http.ts'
import { readIdentityToken, type TokenProvider } from './identity-token.ts'
import { rekorWitness } from './rekor.ts'

export type SigstoreServices = {
  readonly fulcioUrl: string
  /** A Rekor v2 log; null to sign without one, where the verifier asks for none. */
  readonly rekorUrl: string | null
  /** A time stamp authority (RFC 3161). A path other than `/` is the whole address of its endpoint. */
  readonly tsaUrl: string
  /** Whom tokens must be for. Default: `sigstore`. */
  readonly clientId?: string
}

export type SigstoreSignerOptions = SigstoreServices & {
  /** Gives an identity token whenever a certificate is needed: once in some ten minutes. */
  readonly token: TokenProvider
  /** For one question to one service, in milliseconds. Rekor answers once its next checkpoint is out. */
  readonly timeoutMs?: number
  /** Unix milliseconds. */
  readonly clock: () => number
}

/**
 * Signs statements with a key that lives for minutes: Fulcio certifies that it belongs to the identity in the token,
 * Rekor logs the signature and an authority stamps its time. One certificate serves all signatures of its life.
 *
 * `identity` and `sign` throw SIGSTORE_UNREACHABLE (retryable), SIGSTORE_REFUSED, IDENTITY_TOKEN_INVALID, SIGSTORE_MALFORMED,
 * and what the token's provider throws. No error holds the token.
 */
export function openSigstoreSigner(options: SigstoreSignerOptions): KeylessSigner {
  let held: Promise<Held> | null = null
  const certificate = async (): Promise<Held> => {
    held ??= certify(options)
    try {
      const current = await held
      if (options.clock() < current.until - RENEW_MS) return current
      held = certify(options)
      return await held
    } catch (error) {
      held = null // What failed once is asked for anew.
      throw error
    }
  }
  return {
    kind: 'sigstore',
    identity: async () => (await certificate()).identity,
    sign: async (payload, payloadType = 'application/vnd.in-toto+json') => {
      const { signer } = await certificate()
      return envelope(options, signer, { data: Buffer.from(payload), type: payloadType })
    },
  }
}

/** A certificate with less left than this is not used for another signature. */
const RENEW_MS = 60_000
const TIMEOUT_MS = 20_000

type Held = {
  readonly identity: SigstoreIdentity
  /** When the certificate ends, in Unix milliseconds. */
  readonly until: number
  readonly signer: Signer
}

/** Has a fresh key certified. */
async function certify(options: SigstoreSignerOptions): Promise<Held> {
  const { clientId: audience = 'sigstore', clock, timeoutMs: timeout = TIMEOUT_MS } = options
  const token = readIdentityToken(await options.token(), { audience, now: clock() })
  const { FulcioSigner } = await import('@sigstore/sign')
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const pem = publicKey.export({ format: 'pem', type: 'spki' })
  const signature = (data: Buffer): Buffer => sign('sha256', data, privateKey)
  const keyHolder: Signer = {
    sign: async (data) => ({
      signature: signature(data),
      key: { $case: 'publicKey', publicKey: `${pem}` },
    }),
  }
  const fulcio = new FulcioSigner({
    fulcioBaseURL: options.fulcioUrl,
    identityProvider: { getToken: async () => token },
    keyHolder,
    timeout,
    retry: 0,
  })
  // It certifies in order to sign; what is signed here is nothing, and is dropped.
  const { key } = await translated('Fulcio', () => fulcio.sign(Buffer.alloc(0)))
  if (key.$case !== 'x509Certificate') throw refused('Fulcio', 200)
  const issued = readCertificate(key.certificate)
  if (!issued.publicKey.equals(createPublicKey(pem))) {
    throw new PolicyError(
      'SIGSTORE_REFUSED',
      'Fulcio certified another key than the one it was given',
    )
  }
  return {
    identity: certificateIdentity(issued.raw),
    until: issued.validToDate.getTime(),
    signer: { sign: async (data): Promise<Signature> => ({ signature: signature(data), key }) },
  }
}

function readCertificate(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem)
  } catch (cause) {
    throw new PolicyError('SIGSTORE_REFUSED', 'Fulcio answered without a certificate', { cause })
  }
}

/** @returns the bundle as RFC 8785 JSON */
async function envelope(
  { rekorUrl, tsaUrl, timeoutMs: timeout = TIMEOUT_MS }: SigstoreSignerOptions,
  signer: Signer,
  artifact: { readonly data: Buffer; readonly type: string },
): Promise<string> {
  const { DSSEBundleBuilder, TSAWitness } = await import('@sigstore/sign')
  const { bundleToJSON } = await import('@sigstore/bundle')
  const stamps = new TSAWitness({ tsaBaseURL: tsaUrl, timeout, retry: 0 })
  const witnesses: Witness[] = [
    {
      testify: (signed) =>
        translated('the time stamp authority', async () => stamps.testify(signed)),
    },
    ...(rekorUrl === null ? [] : [rekorWitness(rekorUrl, timeout)]),
  ]
  const bundle = await new DSSEBundleBuilder({ signer, witnesses }).create(artifact)
  return canonicalize(bundleToJSON(bundle) as unknown as JsonValue)
}

/** The library's errors under our codes. Their causes are left out: some hold the token. */
async function translated<T>(who: string, work: () => Promise<T>): Promise<T> {
  const { InternalError } = await import('sigstore')
  try {
    return await work()
  } catch (error) {
    if (error instanceof PolicyError) throw error
    if (!(error instanceof InternalError)) throw unreachable(who, error)
    if (error.code === 'IDENTITY_TOKEN_PARSE_ERROR') {
      const message = 'expected an identity token with a verified e-mail address, or a subject'
      throw new PolicyError('IDENTITY_TOKEN_INVALID', message)
    }
    const { cause } = error as { readonly cause?: { readonly statusCode?: unknown } }
    if (typeof cause?.statusCode === 'number') throw refused(who, cause.statusCode)
    throw unreachable(who)
  }
}
