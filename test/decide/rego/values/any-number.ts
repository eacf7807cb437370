import fc from 'fast-check'
import type { RegoNumber } from '../../../../src/decide/rego/values/number.ts'
import { decimal, numberOf, wholeNumber } from '../../../../src/decide/rego/values/number.ts'

/** Numbers of every form: small ones, long ones, doubles' texts, and neighbours that share a double. */
export function anyNumber(): fc.Arbitrary<RegoNumber> {
  return fc.oneof(
    fc.integer({ min: -20, max: 20 }),
    fc.maxSafeInteger(),
    fc.bigInt({ min: -(2n ** 80n), max: 2n ** 80n }).map(wholeNumber),
    fc.tuple(fc.integer({ min: -99_999, max: 99_999 }), fc.nat(6)).map(parts),
    fc.tuple(fc.maxSafeInteger(), fc.nat(30)).map(parts),
    fc.tuple(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), fc.nat(40)).map(parts),
    fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e20, max: 1e20 }).map(numberOf),
    fc.tuple(fc.constantFrom(0.1, 0.5, 3, 2 ** 53), fc.integer({ min: -3, max: 3 })).map(near),
  )
}

function parts([coefficient, places]: readonly [number | bigint, number]): RegoNumber {
  return decimal(BigInt(coefficient), -places)
}

/** A number some 10^-25 away from a double. */
function near([value, offset]: readonly [number, number]): RegoNumber {
  return decimal(BigInt(value * 10) * 10n ** 24n + BigInt(offset), -25)
}
