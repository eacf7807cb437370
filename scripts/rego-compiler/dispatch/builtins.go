package dispatch

import (
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/types"
)

// hostPrefix marks the custom built-ins of our own WebAssembly host.
const hostPrefix = "countersign."

// failName is the host built-in that raises: countersign.fail(<built-in>, "<file>:<row>:<col>").
const failName = hostPrefix + "fail"

// native holds the built-ins that OPA compiles into the module itself (internal/compiler/wasm, which Go does not let
// us import), but for the deprecated ones, which Rego v1 refuses. A test compiles a call of each built-in and compares this table with what the module then imports.
var native = names(`
	abs and array.concat array.flatten array.reverse array.slice assign base64.decode base64.encode
	base64.is_valid base64url.decode base64url.encode bits.and bits.lsh bits.negate bits.or bits.rsh bits.xor ceil
	concat contains count div endswith eq equal floor format_int glob.match graph.reachable gt gte indexof
	internal.member_2 internal.member_3 internal.template_string intersection is_array is_boolean is_null is_number
	is_object is_set is_string json.filter json.is_valid json.marshal json.remove json.unmarshal lower lt lte max min
	minus mul neq net.cidr_contains net.cidr_intersects numbers.range object.filter object.get
	object.keys object.remove object.union object.union_n or plus product regex.find_all_string_submatch_n
	regex.is_valid regex.match rem replace round sort split startswith strings.replace_n strings.reverse
	substring sum to_number trim trim_left trim_prefix trim_right trim_space trim_suffix type_name union upper walk`)

// compiledOut holds built-ins that OPA's compiler replaces or erases, so that no module ever calls them.
var compiledOut = names(`print internal.print rego.metadata.chain rego.metadata.rule`)

// total holds the built-ins that give a value for every operand, or (walk) a relation where nothing is no error.
var total = names(`
	assign eq equal neq lt lte gt gte internal.member_2 internal.member_3 is_array is_boolean is_null is_number
	is_object is_set is_string type_name walk`)

// faultOf holds the built-ins whose value may be undefined without an error, and the condition on their operands under
// which it is an error: max of nothing is undefined, max of a string is an error; a text that is no UUID is undefined.
// These are all of OPA's pure ones that may end without a value (v1/topdown).
var faultOf = map[string]string{
	"max":        "not a0 in {[], set()}",
	"min":        "not a0 in {[], set()}",
	"uuid.parse": "not is_string(a0)",
}

// impure holds the built-ins that no host may supply: their results depend on more than their operands.
var impure = names(`http.send net.lookup_ip_addr opa.runtime rand.intn time.now_ns trace uuid.rfc4122`)

// determined holds those that OPA marks as nondeterministic and our hosts compute from the operands alone: the time of
// a token's check has to be given, what a signature draws follows from key and payload, and no schema is fetched.
var determined = names(`
	io.jwt.decode_verify io.jwt.encode_sign io.jwt.encode_sign_raw json.match_schema json.verify_schema`)

var hints = map[string]string{
	"time.now_ns":        "use input.now: a verdict must not depend on when it is computed",
	"http.send":          "put what the rule needs into the action's context or into a policy file",
	"net.lookup_ip_addr": "put the address into the action's context",
	"opa.runtime":        "use input or a policy file: the environment is not part of a decision",
	"rand.intn":          "a verdict must not depend on chance",
	"uuid.rfc4122":       "use an id of the input",
	"trace":              "use print in tests",
}

const defaultHint = "no evaluator of Countersign supplies it"

// allowance says which built-ins a policy may call.
type allowance struct {
	host map[string]bool // Without the prefix "countersign.".
}

func allow(hostBuiltins []string) allowance {
	host := map[string]bool{}
	for _, n := range hostBuiltins {
		host[strings.TrimPrefix(n, hostPrefix)] = true
	}
	return allowance{host}
}

func (a allowance) allows(b *ast.Builtin) bool {
	if impure[b.Name] || (b.IsNondeterministic() && !determined[b.Name]) {
		return false
	}
	return native[b.Name] || compiledOut[b.Name] || a.host[b.Name]
}

func hint(name string) string {
	if h, ok := hints[name]; ok {
		return h
	}
	return defaultHint
}

// sourceCapabilities are all of OPA's: what is refused is told by name, not as an unknown function.
func sourceCapabilities(options ...ast.CapabilitiesOption) *ast.Capabilities {
	c := ast.CapabilitiesForThisVersion(options...)
	c.AllowNet = []string{} // No JSON schema is fetched.
	return c
}

// strictCapabilities add the host's own built-ins: countersign.fail, and each that the module does not compile in under
// a name of ours.
func strictCapabilities() *ast.Capabilities {
	c := sourceCapabilities()
	c.Builtins = append(c.Builtins, &ast.Builtin{
		Name: failName,
		Decl: types.NewFunction(types.Args(types.S, types.S), types.A),
	})
	for _, b := range ast.Builtins {
		if !native[b.Name] && !compiledOut[b.Name] {
			own := *b
			own.Name = hostPrefix + b.Name
			c.Builtins = append(c.Builtins, &own)
		}
	}
	return c
}

// target names the built-in that the strict module calls in place of the author's. One of the host's goes by a name of
// ours there: by its plain name, as lax packages call it, the host lets a refusal be undefined.
func target(name string) string {
	if native[name] {
		return name
	}
	return hostPrefix + name
}

func names(list string) map[string]bool {
	out := map[string]bool{}
	for _, n := range strings.Fields(list) {
		out[n] = true
	}
	return out
}
