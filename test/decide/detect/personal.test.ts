import { describe, expect, test } from 'vitest'
import { PERSONAL_KINDS } from '../../../src/decide/detect/index.ts'
import { marked, unmarked } from './marked.ts'

/** Texts with what is to be found in double brackets; those without are near misses. */
const TEXTS: Readonly<Record<string, readonly string[]>> = {
  // Test numbers that the networks and payment providers publish.
  payment_card: [
    'card [[4111111111111111]]',
    'card [[4111 1111 1111 1111]], thanks',
    'card [[4111-1111-1111-1111]].',
    '[[378282246310005]] and [[3714 496353 98431]]',
    '[[5555555555554444]] [[2223003122003222]] [[6011111111111117]] [[3530111333300000]]',
    '[[30569309025904]] [[36227206271667]] [[6200000000000005]] [[4222222222222]]',
    '[[4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1]]',
    '[[4111 1111 1111 1111]] 12 25',
    'full width [[４１１１１１１１１１１１１１１１]], split [[4111\u200b1111\u200b1111\u200b1111]]',
    'no-break [[4111\u00a01111\u00a01111\u00a01111]], 卡号[[4111111111111111]]。',
    '[[٤١١١١١١١١١١١١١١١]] in Arabic digits, [[𝟒𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏]] in mathematical ones',
    'wrong check digit 4111111111111112',
    'no issuer 9111111111111111, 1111111111111117',
    'longer run 41111111111111110000, 94111111111111111',
    'word x4111111111111111 4111111111111111x id_4111111111111111',
    'emphasis _[[4111111111111111]]_ and __[[4111111111111111]]__',
    'a row Ana,[[4111111111111111]],123,[[4111111111111111]],0.4111111111111111',
    'fraction 0.4111111111111111, 4111111111111111.5',
    'uuid 4d1c-41d4-a716-446655440000 and 550e8400-e29b-41d4-a716-446655440000',
    'time 1712345678901 1712345678901234, date 20240131120000',
    'mixed 4111 1111-1111 1111, version 4.1.1.1',
    'across 4111\n1111 1111 1111',
  ],
  // Examples of the SWIFT registry.
  iban: [
    '[[GB29NWBK60161331926819]] [[GB29 NWBK 6016 1331 9268 19]]',
    '[[DE89370400440532013000]], [[de89 3704 0044 0532 0130 00]].',
    '[[FR1420041010050500013M02606]] [[NO9386011117947]] [[MT84MALT011000012345MTLCAST001S]]',
    '[[ES 91 2100 0418 4502 0005 1332]]',
    'check digits GB28NWBK60161331926819',
    'length GB29NWBK6016133192681',
    'longer GB29NWBK601613319268190',
    'no country XX29NWBK60161331926819',
    'in a word xGB29NWBK60161331926819',
  ],
  us_ssn: [
    'SSN [[460-89-9847]], [[460 89 9847]]',
    'my ssn is [[460899847]]',
    'order 460899847',
    'area 000-12-3456 666-12-3456 900-12-3456',
    'group 460-00-9847',
    'advertised 078-05-1120',
    'longer 1-460-89-9847 460-89-9847-1 460-89-98471',
    'date 2024-01-3000',
  ],
  uk_nino: [
    '[[AB123456C]] [[AB 12 34 56 C]]',
    'prefix BG123456C GB123456C QQ123456C',
    'suffix AB123456E',
    'longer AB1234567C',
  ],
  uk_nhs: [
    'NHS number [[943 476 5919]], nhs no [[9434765919]]',
    '943 476 5919',
    'NHS 943 476 5918',
    'NHS 0000000000',
  ],
  de_steuer_id: [
    '[[36 574 261 809]], Steuer-ID [[36574261809]]',
    '36574261809',
    'Steuer-ID 36574261808',
    'no digit twice: Steuer-ID 12345678903',
  ],
  fr_nir: ['[[295109912611193]]', '295109912611199', 'x295109912611193', '995109912611193'],
  es_dni: ['[[54362315K]] [[54362315-K]] [[54.362.315-K]]', '54362315Z', '154362315K'],
  es_nie: ['[[X2482300W]] [[x-2482300-w]]', 'X2482300A', 'A2482300W'],
  it_codice_fiscale: [
    '[[RCCMNL83S18D969H]] [[rccmnl83s18d969h]]',
    'RCCMNL83S18D969',
    'RCCMNL83S18D969A',
  ],
  nl_bsn: ['BSN [[111222333]], bsn: [[1112.22.333]]', '111222333', 'BSN 111252333'],
  br_cpf: [
    '[[390.533.447-05]], CPF [[39053344705]]',
    '39053344705',
    '231.002.999-00',
    '111.111.111-11',
  ],
  in_aadhaar: [
    '[[2341 2341 2346]], Aadhaar [[234123412346]]',
    '234123412346',
    '2341 2341 2347',
    '2341 2341 2346-1',
  ],
  in_pan: ['[[ACUPA7085R]]', 'ABMPA32111', 'ABMXA3211G'],
  ca_sin: [
    'SIN: [[123-456-782]], social insurance [[123456782]]',
    '123-456-782',
    'SIN: 123-456-783',
    'since 123-456-782',
  ],
  au_tfn: ['TFN [[123 456 782]]', '123 456 782', 'TFN 123 456 789'],
  ch_ahv: ['[[756.9217.0769.85]] [[7569217076985]]', '756.9217.0769.84', '123.4567.8910.19'],
  pt_nif: ['NIF [[501964843]]', '501964843', 'NIF 501964842'],
  ie_pps: ['[[6433435F]] [[6433435OA]]', '6433435E', '16433435F'],
  tr_tckimlik: ['TC kimlik [[17291716060]]', '17291716060', 'TC kimlik 17291716050'],
  cl_run: ['[[12.531.909-2]], RUT [[12531909-2]]', '12531909-2', '12.531.909-3'],
  hk_id: ['[[A123456(3)]] [[L555555(0)]]', 'A123456(4)', 'AB123456(3)'],
  pl_pesel: ['PESEL [[44051401359]]', '44051401359', 'PESEL 44051401358', 'PESEL 02381307589'],
  se_personnummer: [
    '[[811228-9874]] [[19811228-9874]], personnummer [[8112289874]]',
    '8112289874',
    '811228-9873',
    '811328-9874',
  ],
  fi_hetu: ['[[131052-308T]] [[131052A308T]]', '131052-308U', '310252-308Y', '131052C308'],
  no_fodselsnummer: ['[[15108695088]] [[151086 95088]]', '15108695077', '99108695088'],
  be_nn: ['[[85.07.30-033.28]] [[85073003328]]', '85.07.30-033.29', '85.13.30-033.61'],
  mx_curp: ['[[BOXW310820HNERXN09]]', 'BOXW310820HNERXN08', 'BOXW311320HNERXN09'],
  cn_resident_id: [
    '[[11010519491231002X]] [[440524188001010014]]',
    '110105194912310021',
    '11010519491331002X',
  ],
  za_id: [
    'South African ID [[7503305044089]]',
    '7503305044089',
    'South African ID 8503305044089',
    'rsa id 1712345678901',
  ],
  phone: [
    'call [[+1 213 373 4253]] or [[+49 (0)30 901820]], [[0049 30 901820]]',
    '[[+442079460958]]; [[+44 20 7946 0958 ext. 12]]',
    'tel:[[+33123456789]]?',
    'a row 7,[[+442079460958]],123,[[+33123456789]],5:[[+12133734253]]:80',
    'unknown country +999 123 456 789',
    'too short +1 213 37',
    'embedded 1+12133734253, +12133734253x9y, +1213373425399',
    'arithmetic 1+213',
    'national 213 373 4253',
    'version +2024.01.02',
  ],
  us_phone: [
    '[[(213) 373-4253]] [[213-373-4253]], [[1-213-373-4253]]',
    'phone [[2133734253]]',
    'id 2133734253',
    'date 2024-01-02, amount 12.345.678, range 2019-2024',
    'ip 10.0.0.1, ssn 460-89-9847, card 4111 1111 1111 1111',
    'area code 123-456-7890',
    'uuid 213-373-4253-9f1c',
  ],
  de_phone: [
    '[[030 901820]], [[(030) 901820]], [[+49 30 901820]], [[0151 23456789]]',
    '+33 1 23 45 67 89',
    '12 345',
  ],
  email: [
    'to [[ana@example.com]], [[a.b+c@mail.example.co.uk]].',
    '<[[bob@münchen.de]]> mailto:[[ana@example.com]]?x=1',
    "[[o'brien@example.ie]] 'ana' [[x@[192.0.2.7]]]",
    '联系[[ana@example.com]]谢谢 [[用户@例子.广告]]',
    'ａｎａ： [[ａｎａ@example.com]] [[ana\u200b@example.com]]',
    'ssh git@github.com:acme/repo git@host:~/x deploy@host.example:/srv ann@host.example:~/x',
    'accounts [[ana@example.com]]:hunter2 and [[bo@example.com]]:25',
    `${'x'.repeat(9)}[[${'x'.repeat(64)}@example.com]]`,
    '_[[ana@example.com]]_ [[ana_@example.com]]',
    'package lodash@4.17.21 vue@next, handle @ana, ana@localhost',
    'dots .@example.com a..b@example.com a.@example.com ana@example..com ana@-x.com',
    'top level ana@example.c ana@example.123',
  ],
  ip: [
    'from [[192.0.2.7]], [[198.51.100.23]]:8080 and client:[[203.0.113.5]]:443.',
    '[[2001:db8::1]] [[2001:0db8:0000:0000:0000:ff00:0042:8329]] [[::ffff:192.0.2.128]]',
    'version 1.2.3.4, v10.0.0.1, release 2.0.0.1',
    'octets 256.1.1.1 1.2.3.256 01.2.3.4 1.2.3 1.2.3.4.5',
    'nobody 0.0.0.0 127.0.0.1 255.255.255.255 ::1 ::',
    'time 12:34:56 mac 00:1a:2b:3c:4d:5e ratio 16:9 std::vector a::b',
    'groups 2001:db8:::1 12345::1 1:2:3:4:5:6:7:8:9 2001:db8::1::2',
  ],
  date_of_birth: [
    'born [[1980-02-29]], DOB: [[12/25/1990]]; date of birth [[25.12.1990]]',
    'born on the [[3rd of March 1975]], birthday: [[March 3, 1975]]',
    'née le [[3 mars 1975]], geboren am [[3. März 1975]], fecha de nacimiento [[3 de marzo de 1975]]',
    '生年月日 [[1980年2月29日]] 出生 [[1980-02-28]]',
    'd.o.b. [[1/2/80]]',
    'made 1980-02-29, due 12/25/2030',
    'born [[1980-02-29]]T00:00:00.000Z, born [[1980-02-29]]t23:59:60+01:00',
    'born 1980-02-29T, born 1980-02-29Tuesday',
    'born 1981-02-29, born 1980-13-01, born 32/12/1990',
    'born 1492-01-01, born 2180-01-01',
    'stubborn 1980-02-29',
    `born ${'x'.repeat(70)} 1980-02-29`,
    'born 11980-02-291',
  ],
  person_name: [
    'My name is [[Johann van der Berg]].',
    'Dear Mr. [[Smith]], Dr. [[Ana Souza]] said',
    'ich heiße [[Jörg Müller]]. je m’appelle Zoë; me llamo [[José García]]',
    'Frau [[Müller]], meneer de Vries',
    'My name is not important, dear customer, Dr. [[No]]',
    'The Name is a brand; smith and jones',
    'Mister Smith, Amr. Smith',
  ],
  street_address: [
    'at [[742 Evergreen Terrace]], [[221B Baker Street]]',
    'in [[Hauptstraße 5]], [[12 rue de la Paix]], [[Calle Mayor 5]], [[Via Roma 10]]',
    '[[P.O. Box 255]]; [[1600 Pennsylvania Ave.]]',
    'we have 12 Monkeys and 3 Streets, 5 Main Streeters',
    'on Main Street, 5 street',
    'the 5 Best Ways',
  ],
  postcode: [
    '[[SW1A 1AA]] [[EC1A1BB]] [[K1A 0B6]] [[1012 AB]], CA [[90210]], NY [[10001-1234]]',
    'zip code [[90210]], PLZ [[10115]]',
    '90210, 12345-6789',
    'Q1A 1AA, D1A 0B6, 0123 AB, 1012 SS',
    'XSW1A 1AA',
  ],
}

describe.for(Object.entries(TEXTS))('%s', ([kind, texts]) => {
  test.for(texts.map((text) => ({ text })))('$text', ({ text }) => {
    expect(marked(kind, unmarked(text))).toBe(text)
  })
})

test('every kind that is no telephone of a country has a table', () => {
  const others = [...PERSONAL_KINDS].filter((kind) => !/^[a-z]{2}_phone$/.test(kind))
  expect(others.filter((kind) => !Object.hasOwn(TEXTS, kind))).toEqual([])
})

test('there is a kind of telephone for every country', () => {
  const phones = [...PERSONAL_KINDS].filter((kind) => /^[a-z]{2}_phone$/.test(kind))
  expect(phones.length).toBeGreaterThan(200)
})

test.for([
  { kind: 'date_of_birth', memberName: 'dateOfBirth', text: '[[1980-02-29]]' },
  { kind: 'date_of_birth', memberName: 'created_at', text: '1980-02-29' },
  { kind: 'person_name', memberName: 'first_name', text: '[[ana]]' },
  { kind: 'person_name', memberName: 'lastName', text: "[[O'Brien]]" },
  { kind: 'person_name', memberName: 'file_name', text: 'ana' },
  { kind: 'person_name', memberName: 'first_name', text: 'user 42' },
  { kind: 'us_phone', memberName: 'phone_number', text: '[[2133734253]]' },
  { kind: 'us_phone', memberName: 'order', text: '2133734253' },
  { kind: 'us_ssn', memberName: 'ssn', text: '[[460899847]]' },
  { kind: 'pl_pesel', memberName: 'PESEL', text: '[[44051401359]]' },
])('$kind in a member $memberName: $text', ({ kind, memberName, text }) => {
  expect(marked(kind, unmarked(text), { memberName })).toBe(text)
})

test.for([
  { names: ['Ana Souza'], text: 'ask [[ana souza]], [[ANA  SOUZA]] or [[Ána Souza]]' },
  { names: ['Ana Souza', 'Ana'], text: '[[Ana Souza]] is not [[Ana]] Sousa' },
  { names: ['Li'], text: '[[Li]] likes Lin' },
  { names: ['Ana Souza'], text: 'Ana, Souza; Ana. Or Souza Ana; banana souza' },
  { names: ['José'], text: '[[Jose]] and [[Jose\u0301]]' },
  { names: ['!!!'], text: 'nothing to look for!!!' },
])('names $names: $text', ({ names, text }) => {
  expect(marked('person_name', unmarked(text), { names })).toBe(text)
})
