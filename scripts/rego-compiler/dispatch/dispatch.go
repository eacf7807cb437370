// Package dispatch answers one JSON request with one JSON document, by way of OPA's own Go packages. It touches no
// file, network or environment: everything it needs is in the request.
package dispatch

import (
	"encoding/json"
	"fmt"
	"runtime/debug"

	"github.com/open-policy-agent/opa/v1/version"
)

// Request is what the host asks. Which fields count depends on Op.
type Request struct {
	Op    string            `json:"op"`
	Files map[string]string `json:"files"`
	// HostBuiltins names the built-ins that the WebAssembly host supplies; all others must be native to the module.
	HostBuiltins []string `json:"host_builtins"`
	// Entrypoints are slash paths of rules, for "build".
	Entrypoints []string `json:"entrypoints"`
	// Tests keeps test files and test rules, for "build": what comes out judges no action, but runs tests.
	Tests bool `json:"tests"`
	// Filter is a regular expression over "data.<package>.<test>", for "test".
	Filter string `json:"filter"`
	// TimeoutMs bounds each test, for "test".
	TimeoutMs int `json:"timeout_ms"`
	// Data stands below data, for "test" and "oracle".
	Data json.RawMessage `json:"data,omitempty"`
	// Query is for "plan" and "oracle", and so are the imports that it may use: `data.a.b as c`.
	Query   string   `json:"query"`
	Imports []string `json:"imports"`
	// Strict: for "plan" the compiler's strict mode; for "oracle" whether a built-in that errs ends the query.
	Strict bool `json:"strict"`
	// ExperimentalKeywords lets sources and queries import keywords that OPA has not released, for "plan" and "oracle".
	ExperimentalKeywords bool `json:"experimental_keywords"`
	// AllBuiltins lifts the restriction to HostBuiltins, for "plan".
	AllBuiltins bool `json:"all_builtins"`
	// Input is for "oracle". An absent input stays undefined.
	Input json.RawMessage `json:"input,omitempty"`
	// Inputs are JSON texts, or null where input is undefined, each answered for itself; for "oracle" in place of Input.
	Inputs []*string `json:"inputs"`
	// Terms adds each value as a Rego term, in which sets and all digits survive, for "oracle".
	Terms bool `json:"terms"`
}

// Dispatch never panics: a broken request or a panic inside OPA gives {"failure": "..."}.
func Dispatch(in []byte) (out []byte) {
	defer func() {
		if r := recover(); r != nil {
			out = failure(fmt.Sprintf("panic: %v\n%s", r, debug.Stack()))
		}
	}()
	var r Request
	if err := json.Unmarshal(in, &r); err != nil {
		return failure("the request is not JSON: " + err.Error())
	}
	v, err := handle(&r)
	if err != nil {
		return failure(err.Error())
	}
	b, err := json.Marshal(v)
	if err != nil {
		return failure(err.Error())
	}
	return b
}

func handle(r *Request) (any, error) {
	switch r.Op {
	case "version":
		return map[string]string{"opa": version.Version, "go": version.GoVersion}, nil
	case "check":
		return check(r), nil
	case "build":
		return build(r)
	case "plan":
		return planQuery(r)
	case "format":
		return formatFiles(r), nil
	case "test":
		return runTests(r)
	case "oracle":
		return oracle(r)
	}
	return nil, fmt.Errorf("unknown op %q", r.Op)
}

func failure(message string) []byte {
	b, err := json.Marshal(map[string]string{"failure": message})
	if err != nil {
		return []byte(`{"failure":"unprintable"}`)
	}
	return b
}
