import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto'

/** An independent witness, as C2SP tlog-cosignature describes it: nothing here is the product's code. */
export type Witness = {
  readonly name: string
  readonly verifierKey: string
  /** The signature line over a checkpoint's text (all before its blank line), with a newline. */
  line(note: string, time?: bigint): string
}

export const WITNESSED_AT = 1_795_255_200n // 2026-11-21T10:00:00Z

export function witnessOf(seed: number, name = `witness${seed}.example`): Witness {
  const prefix = Buffer.from('302e020100300506032b657004220420', 'hex')
  const key = createPrivateKey({
    key: Buffer.concat([prefix, Buffer.alloc(32, seed)]),
    format: 'der',
    type: 'pkcs8',
  })
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' })
  const typed = Buffer.concat([Buffer.of(4), spki.subarray(-32)])
  const hash = createHash('sha256').update(`${name}\n`).update(typed).digest().subarray(0, 4)
  return {
    name,
    verifierKey: `${name}+${hash.toString('hex')}+${typed.toString('base64')}`,
    line: (note, time = WITNESSED_AT) => {
      const text = note.slice(0, note.indexOf('\n\n') + 1)
      const at = Buffer.alloc(8)
      at.writeBigUInt64BE(time)
      const signature = sign(null, Buffer.from(`cosignature/v1\ntime ${time}\n${text}`), key)
      return `\u2014 ${name} ${Buffer.concat([hash, at, signature]).toString('base64')}\n`
    },
  }
}
