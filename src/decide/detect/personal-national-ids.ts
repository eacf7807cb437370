import * as auTfn from 'stdnum/lib/cjs/au/tfn.js'
import * as brCpf from 'stdnum/lib/cjs/br/cpf.js'
import * as caSin from 'stdnum/lib/cjs/ca/sin.js'
import * as chAhv from 'stdnum/lib/cjs/ch/ssn.js'
import * as clRun from 'stdnum/lib/cjs/cl/run.js'
import * as deIdnr from 'stdnum/lib/cjs/de/idnr.js'
import * as esDni from 'stdnum/lib/cjs/es/dni.js'
import * as esNie from 'stdnum/lib/cjs/es/nie.js'
import * as frNir from 'stdnum/lib/cjs/fr/nir.js'
import * as gbNino from 'stdnum/lib/cjs/gb/nino.js'
import * as hkId from 'stdnum/lib/cjs/hk/hkid.js'
import * as iePps from 'stdnum/lib/cjs/ie/pps.js'
import * as inAadhaar from 'stdnum/lib/cjs/in/aadhaar.js'
import * as inPan from 'stdnum/lib/cjs/in/pan.js'
import * as itCodiceFiscale from 'stdnum/lib/cjs/it/codicefiscale.js'
import * as nlBsn from 'stdnum/lib/cjs/nl/bsn.js'
import * as ptNif from 'stdnum/lib/cjs/pt/nif.js'
import * as trTckimlik from 'stdnum/lib/cjs/tr/tckimlik.js'
import * as usSsn from 'stdnum/lib/cjs/us/ssn.js'
import type { Detector } from './detector.ts'
import {
  isBelgianNumber,
  isChineseNumber,
  isFinnishNumber,
  isMexicanNumber,
  isNhsNumber,
  isNorwegianNumber,
  isPolishNumber,
  isSouthAfricanNumber,
  isSwedishNumber,
  repeatsOneDigit,
} from './personal-check-digits.ts'
import { idDetector } from './personal-id-shape.ts'

/**
 * National identity, tax and health numbers with a check digit or a strict form. Those of `stdnum` that read the clock,
 * or build dates in the zone of the machine, are checked by our own code instead. A shape is as {@link idDetector}
 * reads it; one behind `context` counts only near a word that says what it is.
 */
export const NATIONAL_IDS: readonly Detector[] = [
  idDetector({
    kind: 'us_ssn',
    shapes: ['ddd-dd-dddd', 'ddd dd dddd'],
    context: { shapes: ['ddddddddd'], words: ['ssn', 'social security'] },
    isValid: valid(usSsn),
  }),
  idDetector({
    kind: 'uk_nino',
    shapes: ['aaddddddx', 'aa dd dd dd x', 'aa dddddd x'],
    isValid: valid(gbNino),
  }),
  idDetector({
    kind: 'uk_nhs',
    context: { shapes: ['ddd ddd dddd', 'ddd-ddd-dddd', 'dddddddddd'], words: ['nhs', 'patient'] },
    isValid: isNhsNumber,
  }),
  idDetector({
    kind: 'de_steuer_id',
    shapes: ['dd ddd ddd ddd', 'dd/ddd/ddd/ddd'],
    context: {
      shapes: ['ddddddddddd'],
      words: ['steuer', 'idnr', 'id-nr', 'tin ', 'tax id'],
    },
    isValid: (text) => repeatsOneDigit(text) && deIdnr.validate(text).isValid,
  }),
  idDetector({
    kind: 'fr_nir',
    shapes: [
      'ddddddddddddddd',
      'd dd dd dd ddd ddd dd',
      'd dd dd xx ddd ddd dd',
      'dddddxxdddddddd',
    ],
    isValid: (text) => '123478'.includes(text.charAt(0)) && frNir.validate(text).isValid,
  }),
  idDetector({
    kind: 'es_dni',
    shapes: ['dddddddda', 'dddddddd-a', 'dd.ddd.ddda', 'dd.ddd.ddd-a'],
    isValid: valid(esDni),
  }),
  idDetector({
    kind: 'es_nie',
    shapes: ['addddddda', 'a-ddddddd-a', 'a-ddddddda', 'addddddd-a'],
    isValid: valid(esNie),
  }),
  idDetector({
    kind: 'it_codice_fiscale',
    shapes: ['aaaaaaxxaxxaxxxa', 'aaa aaa xxaxx axxxa'],
    isValid: valid(itCodiceFiscale),
  }),
  idDetector({
    kind: 'nl_bsn',
    context: {
      shapes: ['ddddddddd', 'dddd.dd.ddd', 'dddd dd ddd', 'dddd-dd-ddd'],
      words: ['bsn', 'burgerservicenummer', 'sofi', 'citizen service'],
    },
    isValid: valid(nlBsn),
  }),
  idDetector({
    kind: 'br_cpf',
    shapes: ['ddd.ddd.ddd-dd'],
    context: { shapes: ['ddddddddddd', 'ddd ddd ddd dd'], words: ['cpf', 'contribuinte'] },
    isValid: (text) => new Set(text).size > 1 && brCpf.validate(text).isValid,
  }),
  idDetector({
    kind: 'in_aadhaar',
    shapes: ['dddd dddd dddd', 'dddd-dddd-dddd'],
    context: { shapes: ['dddddddddddd'], words: ['aadhaar', 'aadhar', 'uidai', 'आधार'] },
    isValid: valid(inAadhaar),
  }),
  idDetector({ kind: 'in_pan', shapes: ['aaaaadddda'], isValid: valid(inPan) }),
  idDetector({
    kind: 'ca_sin',
    context: {
      shapes: ['ddd ddd ddd', 'ddd-ddd-ddd', 'ddddddddd'],
      words: [
        'sin ',
        'sin:',
        'sin#',
        'sin number',
        'social insurance',
        'nas ',
        'assurance sociale',
      ],
    },
    isValid: valid(caSin),
  }),
  idDetector({
    kind: 'au_tfn',
    context: { shapes: ['ddd ddd ddd', 'ddddddddd', 'dddddddd'], words: ['tfn', 'tax file'] },
    isValid: valid(auTfn),
  }),
  idDetector({
    kind: 'ch_ahv',
    shapes: ['ddd.dddd.dddd.dd', 'ddd dddd dddd dd', 'ddddddddddddd'],
    isValid: valid(chAhv),
  }),
  idDetector({
    kind: 'pt_nif',
    context: { shapes: ['ddddddddd', 'ddd ddd ddd'], words: ['nif', 'contribuinte', 'fiscal'] },
    isValid: valid(ptNif),
  }),
  idDetector({ kind: 'ie_pps', shapes: ['ddddddda', 'dddddddaa'], isValid: valid(iePps) }),
  idDetector({
    kind: 'tr_tckimlik',
    context: { shapes: ['ddddddddddd'], words: ['tckn', 'tc ', 't.c.', 'kimlik'] },
    isValid: valid(trTckimlik),
  }),
  idDetector({
    kind: 'cl_run',
    shapes: ['dd.ddd.ddd-x', 'd.ddd.ddd-x'],
    context: { shapes: ['dddddddd-x', 'ddddddd-x'], words: ['rut', 'run'] },
    isValid: valid(clRun),
  }),
  idDetector({ kind: 'hk_id', shapes: ['adddddd(x)', 'aadddddd(x)'], isValid: valid(hkId) }),
  idDetector({
    kind: 'pl_pesel',
    context: { shapes: ['ddddddddddd'], words: ['pesel'] },
    isValid: isPolishNumber,
  }),
  idDetector({
    kind: 'se_personnummer',
    shapes: ['dddddd-dddd', 'dddddddd-dddd', 'dddddd+dddd'],
    context: { shapes: ['dddddddddd', 'dddddddddddd'], words: ['personnummer', 'personnr', 'pnr'] },
    isValid: isSwedishNumber,
  }),
  idDetector({
    kind: 'fi_hetu',
    shapes: ['dddddd-dddx', 'dddddd+dddx', 'ddddddadddx'],
    isValid: isFinnishNumber,
  }),
  idDetector({
    kind: 'no_fodselsnummer',
    shapes: ['dddddd ddddd', 'dddddd-ddddd', 'ddddddddddd'],
    isValid: isNorwegianNumber,
  }),
  idDetector({
    kind: 'be_nn',
    shapes: ['dd.dd.dd-ddd.dd', 'dd dd dd ddd dd', 'ddddddddddd'],
    isValid: isBelgianNumber,
  }),
  idDetector({ kind: 'mx_curp', shapes: ['aaaaddddddaaaaaaxd'], isValid: isMexicanNumber }),
  idDetector({ kind: 'cn_resident_id', shapes: ['dddddddddddddddddx'], isValid: isChineseNumber }),
  idDetector({
    kind: 'za_id',
    context: {
      shapes: ['ddddddddddddd', 'dddddd dddd ddd', 'dddddd dddd dd d'],
      words: ['south africa', 'rsa id', 'sa id', 'id number', 'id no', 'identity'],
    },
    isValid: isSouthAfricanNumber,
  }),
]

type Validator = { validate(text: string): { readonly isValid: boolean } }

function valid(validator: Validator): (compact: string) => boolean {
  return (compact) => validator.validate(compact).isValid
}
