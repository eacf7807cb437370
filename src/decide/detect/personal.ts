import type { Detector } from './detector.ts'
import { postcode, streetAddress } from './personal-address.ts'
import { paymentCard } from './personal-card.ts'
import { dateOfBirth } from './personal-dates.ts'
import { iban } from './personal-iban.ts'
import { personName } from './personal-names.ts'
import { NATIONAL_IDS } from './personal-national-ids.ts'
import { email, ip } from './personal-network.ts'
import { internationalPhone, NATIONAL_PHONES } from './personal-phone.ts'

/** Every detector of personal data. */
export const PERSONAL_DETECTORS: readonly Detector[] = [
  dateOfBirth,
  email,
  iban,
  ip,
  paymentCard,
  personName,
  internationalPhone,
  postcode,
  streetAddress,
  ...NATIONAL_IDS,
  ...NATIONAL_PHONES,
]

/** Their kinds, as rules name them. */
export const PERSONAL_KINDS: ReadonlySet<string> = new Set(
  PERSONAL_DETECTORS.map(({ kind }) => kind),
)
