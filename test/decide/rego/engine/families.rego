# Calls built-ins of every namespace there is, to show that a place without code generation, or without Node, gives the
# answers that any other gives. Each rule is an entry point.
package families

arithmetic := [
	numbers.range_step(1, 9, 4), abs(-3), round(input.amount), input.amount % 7, bits.xor(5, 3), to_number("1e3"),
	json.marshal([9007199254740993 + input.amount, 0.1 + 0.2]), 10 / 4, format_int(255, 16), max([1, input.amount]),
]

words := [
	concat("-", split(input.text, " ")), upper(input.text), strings.replace_n({"a": "b"}, input.text),
	trim(input.text, "a "), indexof(input.text, "ü"), substring(input.text, 1, 3),
]

printed := [
	sprintf("%s costs %.2f, %v, %05d, %q", [input.text, input.amount, input.list, 42, "x"]),
	$"{input.text} costs {input.amount}",
]

regular := [
	regex.match(`^[a-zü ]+$`, input.text), regex.replace(input.text, `(\w+) (\w+)`, "$2 $1"),
	regex.find_n(`\pL+`, input.text, -1), regex.globs_match("a.*", "ab"), regex.split("x*", input.text),
	regex.match(`(a+)+$`, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"),
]

globs := [glob.match("*.example.com", ["."], input.host), glob.quote_meta("*.x")]

schema := [json.match_schema(input, data.schema), json.verify_schema({"type": "object", "required": 3})]

json_text := [
	json.marshal(input), json.unmarshal(`{"a": [1e2, "ü"]}`), json.filter(input, ["list/1", "host"]),
	json.patch(input, [{"op": "add", "path": "/list/0", "value": 0}]), json.is_valid("{"),
]

yaml_text := [yaml.unmarshal("a: [1, x]\nb: {c: null}"), yaml.marshal(input), yaml.is_valid("a: [")]

queries := [
	graphql.is_valid(input.query, data.graphql), graphql.parse(input.query, data.graphql),
	graphql.schema_is_valid("type T { a: U }"),
]

signed := io.jwt.encode_sign({"alg": "HS256"}, {"sub": input.text, "exp": 1600000000}, {"kty": "oct", "k": "aG1hYyBrZXk"})

token := [
	signed, io.jwt.verify_hs256(signed, "no"),
	io.jwt.decode_verify(signed, {"secret": "hmac key", "alg": "HS256", "time": 1500000000000000000}),
]

certificate := [
	[c.SerialNumber | some c in crypto.x509.parse_certificates(data.certificate)],
	crypto.x509.parse_and_verify_certificates_with_options(concat("\n", [data.certificate, data.certificate]), {
		"CurrentTime": 1700000000000000000,
		"DNSName": "ed.example",
	})[0],
]

digests := [
	crypto.sha256(input.text), crypto.md5(input.text), crypto.hmac.sha512(input.text, "key"),
	crypto.hmac.equal("a", input.text),
]

encodings := [
	base64.encode(input.text), base64url.decode("w7w"), hex.encode(input.text),
	urlquery.encode_object({"q": input.text}),
]

times := [
	sprintf("%d", [time.parse_rfc3339_ns(input.at)]), time.date([time.parse_rfc3339_ns(input.at), "America/New_York"]),
	time.format([0, "Europe/Berlin", "RFC1123"]), time.parse_duration_ns("1h30m"),
	time.diff(0, time.parse_rfc3339_ns(input.at)), time.weekday(0),
]

measures := [units.parse_bytes("10MiB"), units.parse("1.5K"), semver.compare("1.2.3", "1.10.0")]

names := [
	object.remove(uuid.parse("6ba7b810-9dad-11d1-80b4-00c04fd430c8"), {"time"}), uri.parse(input.url),
	uri.is_valid(input.host),
]

network := [
	net.cidr_contains("10.0.0.0/8", input.address), net.cidr_merge(["10.0.0.0/9", "10.128.0.0/9"]),
	net.cidr_expand("10.0.0.0/30"),
]

graphs := [graph.reachable(data.graph, {"a"}), [path | walk(input, [path, 2])]]

collections := [
	array.reverse(input.list), object.union(input, {"amount": 0}), {"a", "b"} | {input.text}, object.keys(input),
	union({{1}, {2}}), sort(input.list), sum(input.list), type_name(input), {k: v | some k, v in input.list},
]

request := providers.aws.sign_req(
	{"method": "get", "url": input.url},
	{
		"aws_access_key": "k", "aws_secret_access_key": "s", "aws_service": "s3", "aws_region": "us-east-1",
	},
	1500000000000000000,
)

choice := "small" if {
	input.amount < 100
} else := "large" if {
	some item in input.list
	not item in {1, 3}
}

wrong_operand := to_number(input.text)

nothing := input.missing
