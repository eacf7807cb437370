import { expect, test } from 'vitest'
import { encodeHex } from '../../../src/base/encoding.ts'
import { sipHash, sipKey } from '../../../src/decide/detect/sip-hash.ts'

// The key 00..0f and the messages 00, 00 01, ...: vectors_sip64 of https://github.com/veorq/SipHash (vectors.h), whose
// message of 15 bytes is also Appendix A of the paper.
test.for([
  { length: 0, want: '310e0edd47db6f72' },
  { length: 1, want: 'fd67dc93c539f874' },
  { length: 2, want: '5a4fa9d909806c0d' },
  { length: 3, want: '2d7efbd796666785' },
  { length: 4, want: 'b7877127e09427cf' },
  { length: 5, want: '8da699cd64557618' },
  { length: 6, want: 'cee3fe586e46c9cb' },
  { length: 7, want: '37d1018bf50002ab' },
  { length: 8, want: '6224939a79f5f593' },
  { length: 15, want: 'e545be4961ca29a1' },
])('$length bytes -> $want', ({ length, want }) => {
  const key = sipKey(Uint8Array.from({ length: 16 }, (_, i) => i))
  const message = Uint8Array.from({ length: 15 }, (_, i) => i)
  const out = new Int32Array(2)
  sipHash(key, message, length, out)
  const bytes = new DataView(new ArrayBuffer(8))
  bytes.setInt32(0, out[0] ?? 0, true)
  bytes.setInt32(4, out[1] ?? 0, true)
  expect(encodeHex(new Uint8Array(bytes.buffer))).toBe(want)
})

test('a key within a larger buffer counts from its own start', () => {
  const large = Uint8Array.from({ length: 40 }, (_, i) => i)
  expect(sipKey(large.subarray(8, 24))).toEqual(sipKey(large.slice(8, 24)))
})
