import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { canonicalize } from '../../../src/base/canonical-json.ts'
import type { JsonObject, JsonValue } from '../../../src/base/json-value.ts'

export type TufServer = {
  readonly url: string
  /** The `root.json` that clients trust it by. */
  readonly root: string
  /** What it serves, by path; a test may change it. */
  readonly files: Map<string, string>
  close(): void
}

/** A TUF repository (theupdateframework.github.io/specification, 1.0) with one target and one key for all roles. */
export async function startTufRepository(
  target: string,
  about: { readonly expires?: string } = {},
): Promise<TufServer> {
  const { expires = '2099-01-01T00:00:00Z' } = about
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const raw = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url')
  const key = { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: raw.toString('hex') } }
  const keyid = sha256(canonicalize(key))
  const role = { keyids: [keyid], threshold: 1 }
  const signed = (type: string, fields: JsonObject): string => {
    const body = { _type: type, spec_version: '1.0.0', version: 1, expires, ...fields }
    // Without characters that need escapes RFC 8785 is TUF's canonical JSON.
    const sig = sign(null, Buffer.from(canonicalize(body)), privateKey).toString('hex')
    return JSON.stringify({ signatures: [{ keyid, sig }], signed: body })
  }
  const meta = (text: string): JsonValue => ({
    version: 1,
    length: Buffer.byteLength(text),
    hashes: { sha256: sha256(text) },
  })
  const root = signed('root', {
    consistent_snapshot: false,
    keys: { [keyid]: key },
    roles: { root: role, timestamp: role, snapshot: role, targets: role },
  })
  const targets = signed('targets', {
    targets: {
      'trusted_root.json': {
        length: Buffer.byteLength(target),
        hashes: { sha256: sha256(target) },
      },
    },
  })
  const snapshot = signed('snapshot', { meta: { 'targets.json': meta(targets) } })
  const files = new Map([
    ['/timestamp.json', signed('timestamp', { meta: { 'snapshot.json': meta(snapshot) } })],
    ['/snapshot.json', snapshot],
    ['/targets.json', targets],
    ['/targets/trusted_root.json', target],
  ])
  const server = createServer((request, response) => {
    const text = files.get(request.url ?? '')
    response.writeHead(text === undefined ? 404 : 200).end(text)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    ...{ url, root, files },
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
