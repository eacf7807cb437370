import type { Explanations } from './tally.ts'

/** Cases that differ from OPA for one reason. A case has one explanation, which covers one difference alone. */
export type Explanation = {
  readonly title: string
  /** Why, in full sentences. */
  readonly reason: string
} & (
  | {
      /** Ids of cases that end in the error that is wanted, with another text. */
      readonly words: readonly string[]
    }
  | {
      /** By the id of a case what it gives instead: results as JSON, or a message. */
      readonly found: Readonly<Record<string, string>>
    }
)

/** What is known of the cases that do not pass. Whatever it says too much makes the run fail as well. */
export const EXPLANATIONS: Explanations = {
  differences: [
    {
      title: 'The text of a number',
      reason:
        'OPA keeps the text in which a number was written, and prints `100.0` and `2e308` so. Here a number is its value alone: `100.0` is the whole number 100 and prints as one.',
      found: {
        'sprintf/test-sprintf.yaml: sprintf/float/zero_fraction':
          '[{"x":"%!f(int64=0), %!f(int64=100), %!f(int64=000)"}]',
        'sprintf/test-sprintf.yaml: sprintf/float/exponent': '[{"x":"%!f(int64=100)"}]',
        'strings/test-strings-0921.yaml: strings/sprintf: float too big': `[{"x":"hi 2${'0'.repeat(308)}"}]`,
      },
    },
    {
      title: 'The time of day',
      reason:
        'OPA asks the clock where a token or a certificate chain is checked without a time. Here the check is an error, and undefined where errors are: a verdict does not depend on when it is computed. Give `time` to `io.jwt.decode_verify`, and `CurrentTime` to `crypto.x509.parse_and_verify_certificates_with_options`.',
      found: {
        'cryptox509parseandverifycertificates/test-cryptox509parseandverifycertificates.yaml: cryptox509parseandverifycertificates/base_case':
          '[]',
        'cryptox509parseandverifycertificates/test-cryptox509parseandverifycertificates.yaml: cryptox509parseandverifycertificates/uri_strings':
          '[]',
        'jwtdecodeverify/test-jwtdecodeverify-0458.yaml: jwtdecodeverify/rs256-exp-now-expired':
          '[]',
        'jwtdecodeverify/test-jwtdecodeverify-0461.yaml: jwtdecodeverify/rs256-nbf-now-ok': '[]',
      },
    },
    {
      title: 'Bytes that are no text',
      reason:
        'A string of OPA may hold any bytes. Here it is Unicode text, and decoding bytes that are none is an error.',
      found: {
        'aggregates/test-aggregates-bad-utf8-runes.yaml: aggregates/count with invalid utf-8 chars (0xFFFD)':
          '[{"x":[]}]',
      },
    },
    {
      title: 'A number as the name of a base document',
      reason:
        'OPA looks base documents up by path and takes the number in `data[2]` for the name `"2"`. Here, as in OPA\'s WebAssembly and everywhere else in Rego, the number 2 is no key of an object whose key is `"2"`.',
      found: {
        'dataderef/test-data-derefs.yaml: data/toplevel integer': '[]',
        'dataderef/test-data-derefs.yaml: data/nested integer': '[]',
      },
    },
    {
      title: "A built-in of OPA's own tests",
      reason:
        'The case calls `test.sleep`, which only the runner of these cases has, and does not compile.',
      found: {
        'time/test-time-0947.yaml: time/time caching':
          'rego_type_error: undefined function test.sleep',
      },
    },
    {
      title: 'Other words for two values of one rule',
      reason: 'The error is the same, with its code and place. Its message names no rule.',
      words: [
        'completedoc/test-completedoc-0510.yaml: completedoc/vars conflict',
        'comprehensions/test-comprehensions-0796.yaml: comprehensions/object conflict',
        'disjunction/test-disjunction-0772.yaml: disjunction/complete: error',
        'disjunction/test-disjunction-0775.yaml: disjunction/complete: reference error',
        'disjunction/test-disjunction-0775.yaml: disjunction/complete: nested conflict, else',
        'disjunction/test-disjunction-0775.yaml: disjunction/nested function with conflict',
        'disjunction/test-disjunction-0775.yaml: disjunction/nested function with conflict, else',
        'disjunction/test-disjunction-0775.yaml: disjunction/complete: conflict involving early-exit complete rule (set enumeration)',
        'disjunction/test-disjunction-0775.yaml: disjunction/complete: conflict involving early-exit complete rule (array enumeration)',
        'disjunction/test-disjunction-0775.yaml: disjunction/complete: conflict involving early-exit complete rule (object enumeration)',
        'disjunction/test-disjunction-0775.yaml: disjunction/complete: conflict involving early-exit partial rule',
        'disjunction/test-disjunction-0775.yaml: disjunction/complete: conflict involving early-exit complete rule, else',
        'disjunction/test-disjunction-0775.yaml: disjunction/complete: conflict involving early-exit complete rule, multiple',
        'disjunction/test-disjunction-0775.yaml: disjunction/complete: conflict involving early-exit complete rule, data array enumeration',
        'disjunction/test-disjunction-0775.yaml: disjunction/complete: conflict involving early-exit complete rule, data object enumeration',
        'elsekeyword/test-elsekeyword-1065.yaml: elsekeyword/conflict-1',
        'elsekeyword/test-elsekeyword-1066.yaml: elsekeyword/conflict-2',
        'functionerrors/test-conflicts.yaml: functionerrors/conflict: plain false and true result, first round',
        'functionerrors/test-conflicts.yaml: functionerrors/conflict: plain false and true result, second round',
        'functionerrors/test-functionerrors-1012.yaml: functionerrors/function output conflict single',
        'functionerrors/test-functionerrors-1012.yaml: functionerrors/function output conflict, used as boolean',
        'functionerrors/test-functionerrors-1014.yaml: functionerrors/function output conflict multiple',
        'functions/test-functions-nested-with-early-exit.yaml: functions/nested complete doc with conflict',
        'functions/test-functions-nested-with-early-exit.yaml: functions/nested complete doc with conflict, else',
        'functions/test-functions-nested-with-early-exit.yaml: functions/nested function with conflict',
        'functions/test-functions-nested-with-early-exit.yaml: functions/nested function with conflict, else',
        'functions/test-functions-nested-with-early-exit.yaml: functions/nested function with conflict, else, no extra return',
        'partialobjectdoc/test-wasm-cases.yaml: wasm/conflict error',
        'refheads/test-refs-as-rule-heads.yaml: refheads/single-value, with var, conflict',
        'virtualdocs/test-virtualdocs-0679.yaml: virtualdocs/no suffix: complete incr (error)',
        'virtualdocs/test-virtualdocs-0687.yaml: virtualdocs/no suffix: object conflict (error)',
      ],
    },
    {
      title: 'Other words for a refused operand',
      reason:
        'The error is the same, with its code and place. Its message does not repeat the operand, which may be a secret, or says in our words what is wrong with it.',
      words: [
        'globsmatch/test-globsmatch-0867.yaml: globsmatch/regex.globs_match: bad pattern err',
        'hexbuiltins/test-hexbuiltins-0941.yaml: hexbuiltins/hex_decode with invalid hex encoded string',
        'jsonbuiltins/test-jsonbuiltins-0928.yaml: jsonbuiltins/yaml unmarshal error',
        'netcidrexpand/test-netcidrexpand-0116.yaml: netcidrexpand/cidr invalid mask',
        'semvercompare/test-semvercompare-0347.yaml: semvercompare/invalid version a',
        'semvercompare/test-semvercompare-0348.yaml: semvercompare/invalid version b',
        'semvercompare/test-semvercompare-strict.yaml: semvercompare/leading zero in operand 1',
        'semvercompare/test-semvercompare-strict.yaml: semvercompare/leading zero in a numeric pre-release identifier of operand 2',
        'semvercompare/test-semvercompare-strict.yaml: semvercompare/empty pre-release section in operand 1',
        'uribuiltins/test-uribuiltins-0003.yaml: uribuiltins/parse percent-encoded ascii in host',
        'uribuiltins/test-uribuiltins-0003.yaml: uribuiltins/parse invalid userinfo',
        'uribuiltins/test-uribuiltins-0003.yaml: uribuiltins/parse non-ascii digits in port',
      ],
    },
  ],
  refusals: {
    'http.send': 'It asks the network.',
    'net.lookup_ip_addr': 'It asks the network.',
    'opa.runtime': 'It asks the environment that OPA runs in.',
    'rand.intn': 'It asks chance.',
    'rego.parse_module': "It needs OPA's parser, which is not part of the evaluator.",
    'time.now_ns': 'It asks the clock. A policy reads `input.now`.',
    'uuid.rfc4122': 'It asks chance.',
  },
}
