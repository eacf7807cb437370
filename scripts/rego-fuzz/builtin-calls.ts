import type { Signature } from './type.ts'
import { readSignature } from './type.ts'

/**
 * Calls that policies make, in the form that `readSignature` reads: every pure built-in of OPA, with what is plausible
 * for each operand. Operators and `walk` have forms of their own.
 */
export const SIGNATURES: readonly Signature[] = `
abs(number) number
array.concat([any], [any]) [any]
array.flatten([any]) [any]
array.reverse([any]) [any]
array.slice([any], int, int) [any]
base64.decode(base64) text
base64.encode(text) base64
base64.is_valid(base64) bool
base64url.decode(base64) text
base64url.encode(text) base64
base64url.encode_no_pad(text) base64
bits.and(int, int) int
bits.lsh(int, tiny) int
bits.negate(int) int
bits.or(int, int) int
bits.rsh(int, tiny) int
bits.xor(int, int) int
ceil(number) number
concat(delimiter, [text]|{text}) text
contains(text, word) bool
count(text|[any]|{any}|<any>) int
crypto.hmac.equal(hex, hex) bool
crypto.hmac.md5(text, secret) hex
crypto.hmac.sha1(text, secret) hex
crypto.hmac.sha256(text, secret) hex
crypto.hmac.sha512(text, secret) hex
crypto.md5(text) hex
crypto.parse_private_keys(pem) [any]
crypto.sha1(text) hex
crypto.sha256(text) hex
crypto.x509.parse_certificate_request(pem) <any>
crypto.x509.parse_certificates(pem) [any]
crypto.x509.parse_and_verify_certificates(pem) [any]
crypto.x509.parse_keypair(pem, pem) <any>
crypto.x509.parse_rsa_private_key(pem) <any>
endswith(text, word) bool
floor(number) number
format_int(number, base) digits
glob.match(glob, null|[delimiter], subject) bool
glob.quote_meta(glob) text
graph.reachable(<[word]>|<{word}>, [word]|{word}) {any}
graph.reachable_paths(<[word]>|<{word}>, [word]|{word}) {any}
graphql.is_valid(graphql, graphql) bool
graphql.parse(graphql, graphql) [any]
graphql.parse_and_verify(graphql, graphql) [any]
graphql.parse_query(graphql) <any>
graphql.parse_schema(graphql) <any>
graphql.schema_is_valid(graphql) bool
hex.decode(hex) text
hex.encode(text) hex
indexof(text, word) int
indexof_n(text, word) [int]
intersection({{any}}) {any}
io.jwt.decode(token) [any]
io.jwt.verify_hs256(token, secret) bool
io.jwt.verify_es256(token, secret) bool
is_array(any) bool
is_boolean(any) bool
is_null(any) bool
is_number(any) bool
is_object(any) bool
is_set(any) bool
is_string(any) bool
json.filter(<any>, [pointer]|{pointer}|[[word]]) <any>
json.is_valid(json) bool
json.marshal(any) json
json.match_schema(json|<any>, schema|<any>) [any]
json.patch(any, [<pointer>]) any
json.remove(<any>, [pointer]|{pointer}|[[word]]) <any>
json.unmarshal(json) any
json.verify_schema(schema|<any>) [any]
lower(text) text
max([number]|{number}|[any]|{any}|[text]) any
min([number]|{number}|[any]|{any}|{text}) any
net.cidr_contains(cidr, ip|cidr) bool
net.cidr_contains_matches(cidr|[cidr]|{cidr}|<cidr>, cidr|[ip]|{cidr}|<cidr>) {any}
net.cidr_expand(range) {text}
net.cidr_intersects(cidr, cidr) bool
net.cidr_is_valid(cidr) bool
net.cidr_merge([cidr]|{cidr}) {text}
numbers.range(tiny, tiny) [int]
numbers.range_step(tiny, tiny, tiny) [int]
object.filter(<any>, [word]|{word}|<any>) <any>
object.get(<any>, word|[word], any) any
object.keys(<any>) {any}
object.remove(<any>, [word]|{word}|<any>) <any>
object.subset(<any>|[any]|{any}, <any>|[any]|{any}) bool
object.union(<any>, <any>) <any>
object.union_n([<any>]) <any>
product([number]|{number}) number
regex.find_all_string_submatch_n(regex, text, int) [[text]]
regex.find_n(regex, text, int) [text]
regex.globs_match(regex, regex) bool
regex.is_valid(regex) bool
regex.match(regex, text) bool
regex.replace(text, regex, replacement) text
regex.split(regex, text) [text]
regex.template_match(glob, subject, delimiter, delimiter) bool
replace(text, word, text) text
round(number) number
semver.compare(semver, semver) int
semver.is_valid(semver) bool
sort([any]|{any}|[number]|{text}) [any]
split(text, delimiter) [text]
sprintf(format, [any]) text
startswith(text, word) bool
strings.any_prefix_match(text|[text]|{text}, word|[word]|{word}) bool
strings.any_suffix_match(text|[text]|{text}, word|[word]|{word}) bool
strings.count(text, word) int
strings.render_template(text, <any>) text
strings.replace_n(<text>, text) text
strings.reverse(text) text
strings.split_n(text, delimiter, int) [text]
substring(text, int, int) text
sum([number]|{number}) number
time.add_date(ns, int, int, int) ns
time.clock(ns|[any]) [int]
time.date(ns|[any]) [int]
time.diff(ns, ns) [int]
time.format(ns|[any]) time
time.parse_duration_ns(duration) ns
time.parse_ns(layout, time) ns
time.parse_rfc3339_ns(time) ns
time.weekday(ns|[any]) text
to_number(digits|number|bool|null) number
trim(text, word) text
trim_left(text, word) text
trim_prefix(text, word) text
trim_right(text, word) text
trim_space(text) text
trim_suffix(text, word) text
type_name(any) text
union({{any}}) {any}
units.parse(units) number
units.parse_bytes(bytes) number
upper(text) text
uri.is_valid(url) bool
uri.parse(url) <any>
urlquery.decode(query) text
urlquery.decode_object(query) <[text]>
urlquery.encode(text) query
urlquery.encode_object(<text>|<[text]>|<{text}>) query
uuid.parse(uuid) <any>
yaml.is_valid(yaml) bool
yaml.marshal(any) yaml
yaml.unmarshal(yaml) any
`
  .trim()
  .split('\n')
  .map(readSignature)

/** Calls whose operands are too particular to be made up, as they are written. */
export const SET_CALLS: readonly { readonly text: string; readonly result: Signature['result'] }[] =
  [
    'json.marshal_with_options(ANY, {"pretty": true, "indent": " "}) json',
    'json.marshal_with_options(ANY, {"prefix": "> "}) json',
    'json.patch(ANY, [{"op": "add", "path": POINTER, "value": ANY}]) any',
    'json.patch(ANY, [{"op": PATCH, "path": MEMBER, "from": POINTER, "value": ANY}]) any',
    'json.patch(ANY, [{"op": "remove", "path": MEMBER}, {"op": PATCH, "path": MEMBER, "value": ANY}]) any',
    'time.format([NS, ZONE]) time',
    'time.format([NS, ZONE, LAYOUT]) text',
    'time.diff([NS, ZONE], NS) [int]',
    'time.date([NS, ZONE]) [int]',
    'time.clock([NS, ZONE]) [int]',
    'time.weekday([NS, ZONE]) text',
    'io.jwt.encode_sign({"typ": "JWT", "alg": "HS256"}, {"sub": ANY}, {"kty": "oct", "k": BASE64}) token',
    'io.jwt.encode_sign_raw(`{"alg": "HS512"}`, JSON, `{"kty": "oct", "k": "c2VjcmV0"}`) token',
    'io.jwt.decode_verify(TOKEN, {"secret": SECRET, "time": NS}) [any]',
    'sprintf(FORMAT, [ANY]) text',
    'sprintf(FORMAT, [ANY, NUMBER]) text',
    'sprintf(FORMAT, [NUMBER]) text',
    'sprintf(FORMAT, [TEXT, INT]) text',
    'strings.render_template("{{.a}} {{range .b}}<{{.}}>{{end}}", {"a": ANY, "b": [ANY, ANY]}) text',
    'object.get(ANY, [WORD, INT], ANY) any',
    'graphql.parse("{ a(x: 1) { b } }", "type Query { a(x: Int): T } type T { b: String }") [any]',
  ].map((line) => {
    const at = line.lastIndexOf(' ')
    return { text: line.slice(0, at), result: readSignature(`x() ${line.slice(at + 1)}`).result }
  })
