package dispatch

import (
	"fmt"
	"strings"
	"testing"
)

// The head of the policy that each row below adds one or more rules to.
const missingHead = `# METADATA
# custom:
#   counters:
#     refunds: { per: 1h }
package countersign.t

import data.countersign.lib
import input.action.payload as body

names := {"a", "b"}

is_a(x) if x == "a"

same(x) := x

imported := [lib, body] # OPA refuses an import that nothing uses.
`

const library = `package countersign.lib

in_list(path, list) if object.get(input, path, set()) in list
`

// Which of these forms OPA's evaluator really skips is shown by test/host/rego-compiler.test.ts.
var missingTests = []struct {
	note, rules string
	want        []string // "row:column field", rows counted after the head.
}{
	{"negated built-in", `deny contains 1 if not startswith(input.action.payload.url, "https:")`, []string{"1:20 input.action.payload.url"}},
	{"negated membership", `hold contains 1 if not input.action.payload.x in names`, []string{"1:20 input.action.payload.x"}},
	{"negated membership of a field", `redact contains 1 if not "a" in input.action.payload.x`, []string{"1:22 input.action.payload.x"}},
	{"negated function", `deny contains 1 if not is_a(input.action.payload.x)`, []string{"1:20 input.action.payload.x"}},
	{"negated comparison", `deny contains 1 if not input.action.payload.x > 3`, []string{"1:20 input.action.payload.x"}},
	{"negated inequality", `deny contains 1 if not input.action.payload.x != 3`, []string{"1:20 input.action.payload.x"}},
	{"a call in a negated equality", `deny contains 1 if not lower(input.action.payload.x) == "a"`, []string{"1:20 input.action.payload.x"}},
	{"a literal in a negated equality", `deny contains 1 if not {input.action.payload.x} == names`, []string{"1:20 input.action.payload.x"}},
	{"an index", `deny contains 1 if not names[input.action.payload.x]`, []string{"1:20 input.action.payload.x"}},
	{"an index of the input", `deny contains 1 if not input.action.payload[input.action.payload.x] == 1`, []string{"1:20 input.action.payload.x"}},
	{"a replaced input", `deny contains 1 if not is_a("b") with data.x as input.action.payload.x`, []string{"1:20 input.action.payload.x"}},
	{"an imported input", `deny contains 1 if not is_a(body.x)`, []string{"1:20 input.action.payload.x"}},
	{"a variable", "deny contains 1 if {\n\tx := input.action.payload.x\n\tnot x in names\n}", []string{"3:2 input.action.payload.x"}},
	{"a variable of the payload", "deny contains 1 if {\n\tp := input.action.payload\n\tnot p.x.y in names\n}", []string{"3:2 input.action.payload.x.y"}},
	{"a variable of a call", "deny contains 1 if {\n\tx := lower(input.action.payload.x)\n\tnot x in names\n}", []string{"3:2 input.action.payload.x"}},
	{"a variable of a function", "deny contains 1 if {\n\tx := same(input.action.payload.x)\n\tnot x in names\n}", []string{"3:2 input.action.payload.x"}},
	{"a pattern", "deny contains 1 if {\n\t[x, _] := [input.action.payload.x, 1]\n\tnot x in names\n}", []string{"3:2 input.action.payload.x"}},
	{"a field of each element", "deny contains 1 if {\n\tsome line in input.action.payload.lines\n\tnot line.x in names\n}", []string{"3:2 input.action.payload.lines[_].x"}},
	{"a name that is no field's", `deny contains 1 if not input.action.payload["a-b"][0] in names`, []string{`1:20 input.action.payload["a-b"][0]`}},
	{"a misspelt field", `deny contains 1 if not input.action.rolle in names`, []string{"1:20 input.action.rolle"}},
	{"a field of the principal", `deny contains 1 if not input.action.principal.id in names`, []string{"1:20 input.action.principal.id"}},
	{"a counter that is not declared", `deny contains 1 if not input.state.counters.other < 3`, []string{"1:20 input.state.counters.other"}},
	{"an action of the past by its number", `deny contains 1 if not startswith(input.state.recent[0].action, "x")`, []string{"1:20 input.state.recent[0].action"}},
	{"inequality", `deny contains 1 if input.action.payload.x != "a"`, []string{"1:20 input.action.payload.x"}},
	{"inequality the other way", `hold contains 1 if "a" != input.action.context.x`, []string{"1:20 input.action.context.x"}},
	{"inequality of a call", `deny contains 1 if lower(input.action.payload.x) != "a"`, []string{"1:20 input.action.payload.x"}},
	{"inequality of each element's field", "deny contains 1 if {\n\tsome i\n\tinput.action.payload.lines[i].x != 1\n}", []string{"3:2 input.action.payload.lines[_].x"}},
	{"within every", "deny contains 1 if every n in names {\n\tnot startswith(input.action.payload.x, n)\n}", []string{"2:2 input.action.payload.x"}},
	{"the field of an element of every", "deny contains 1 if every l in input.action.payload.lines {\n\tl.x != 3\n}", []string{"2:2 input.action.payload.lines[_].x"}},
	{"a helper", "deny contains 1 if bad\n\nbad if not input.action.payload.x in names", []string{"3:8 input.action.payload.x"}},
	{"a helper in else", "deny contains 1 if bad\n\nbad if input.action.role == \"x\"\n\nelse := true if {\n\tnot is_a(body.x)\n}", []string{"6:2 input.action.payload.x"}},
	{"a function as a helper", "deny contains 1 if bad(1)\n\nbad(y) if {\n\ty > 0\n\tinput.action.payload.x != 2\n}", []string{"5:2 input.action.payload.x"}},
	{"a helper of a negated helper", "deny contains 1 if not good\n\ngood if not bad\n\nbad if not body.x in names", []string{"5:8 input.action.payload.x"}},
	{"a helper used both ways", "deny contains 1 if not good\n\nhold contains 1 if good\n\ngood if not body.x in names", []string{"5:9 input.action.payload.x"}},
	{"two in one rule", "deny contains 1 if {\n\tnot body.x in names\n\tbody.y != 2\n}", []string{"2:2 input.action.payload.x", "3:2 input.action.payload.y"}},
	{"the result", `deny contains {"msg": sprintf("%v", [input.action.payload.x])} if not is_a("b")`, []string{"1:38 input.action.payload.x"}},
	{"a variable of the result", "deny contains {\"msg\": msg} if {\n\tnot is_a(\"b\")\n\tmsg := sprintf(\"%v\", [body.x])\n}", []string{"3:24 input.action.payload.x"}},
	{"another field in the result", `deny contains {"msg": sprintf("%v", [body.y])} if body.x > 3`, []string{"1:38 input.action.payload.y"}},

	{"a negated helper", "deny contains 1 if not good\n\ngood if input.action.payload.x in names", nil},
	{"a negated helper that negates", "deny contains 1 if not good\n\ngood if not input.action.payload.x in names", nil},
	{"a helper compared with false", "deny contains 1 if good == false\n\ndefault good := false\n\ngood if not body.x in names", nil},
	{"a function of the library", `deny contains 1 if not lib.in_list(["action", "payload", "x"], names)`, nil},
	{"a function of the whole payload", "deny contains 1 if not good(input.action.payload)\n\ngood(p) if p.x in names", nil},
	{"negated equality", `deny contains 1 if not input.action.payload.x == "a"`, nil},
	{"a negated field", `deny contains 1 if not input.action.payload.x`, nil},
	{"a negated field of the payload", "deny contains 1 if {\n\tp := input.action.payload\n\tnot p.x\n}", nil},
	{"a default", `deny contains 1 if not object.get(input.action.payload, "x", "") in names`, nil},
	{"a default, unequal", `deny contains 1 if object.get(input, ["action", "payload", "x"], "") != "a"`, nil},
	{"a comprehension", `deny contains 1 if not count({i | some i in input.action.payload.x}) > 0`, nil},
	{"a negation in a comprehension", `deny contains 1 if count([1 | not body.x in names]) > 0`, nil},
	{"a template", `deny contains 1 if $"{input.action.payload.x}" != "a"`, nil},
	{"each element", "deny contains 1 if {\n\tsome u in input.action.payload.urls\n\tnot startswith(u, \"https:\")\n}", nil},
	{"each action of the past", "deny contains 1 if {\n\tsome e in input.state.recent\n\tnot e.service in names\n\te.verdict != \"deny\"\n}", nil},
	{"what is always there", `deny contains 1 if { not input.action.role in names; input.action.priority != "low"; not input.now in names }`, nil},
	{"a principal that may be null", `deny contains 1 if input.action.principal != "a"`, nil},
	{"a declared counter", `deny contains 1 if { not input.state.counters.refunds < 3; input.state.counters.refunds != 1 }`, nil},
	{"no input", `deny contains 1 if { x := 1; x != 2; not data.list[x] in names }`, nil},
	{"a rule that stops nothing", `warn contains 1 if { not body.x in names; body.y != 2 }`, nil},
	{"a helper that nothing reaches", `bad if not body.x in names`, nil},
	{"a helper of a rule that stops nothing", "warn contains 1 if bad\n\nbad if not body.x in names", nil},
	{"a positive call", `deny contains 1 if startswith(input.action.payload.x, "a")`, nil},
	{"the result names what the body asks for", `deny contains {"msg": sprintf("%v", [body.x])} if body.x > 3`, nil},
	{"the result names what a variable asks for", "deny contains {\"msg\": sprintf(\"%v\", [x])} if {\n\tx := body.x\n\tx > 3\n}", nil},
	{"the result names what equality asks for", "deny contains {\"msg\": x} if {\n\tx := body.x\n\tx == \"a\"\n}", nil},
	{"the result names what a helper asks for", "deny contains {\"msg\": sprintf(\"%v\", [body.x])} if big\n\nbig if body.x > 3", nil},
	{"the result names each element", "deny contains {\"msg\": u} if some u in body.urls", nil},
	{"the result has a default", `deny contains {"msg": object.get(body, "x", "")} if not is_a("b")`, nil},
	{"the result has what is always there", `deny contains {"msg": input.action.service} if not is_a("b")`, nil},
	{"a test rule", `test_deny if not body.x in names`, nil},
}

func TestMissingFields(t *testing.T) {
	rows := strings.Count(missingHead, "\n")
	for _, c := range missingTests {
		t.Run(c.note, func(t *testing.T) {
			files := map[string]string{"lib.rego": library, "p.rego": missingHead + c.rules}
			var got []string
			for _, d := range check(&Request{Files: files, HostBuiltins: []string{"sprintf"}}).Diagnostics {
				if d.Code != codeMissing || d.Severity != "warning" || d.File != "p.rego" || d.Hint == "" {
					t.Errorf("%+v", d)
				}
				name, _, _ := strings.Cut(strings.TrimPrefix(d.Message, "without "), " ")
				got = append(got, fmt.Sprintf("%d:%d %s", d.Line-rows, d.Column, name))
			}
			if strings.Join(got, "\n") != strings.Join(c.want, "\n") {
				t.Errorf("want %q, got %q", c.want, got)
			}
		})
	}
}

// Only packages of the contract judge, and a policy with errors shows these first.
func TestMissingFieldsOfOthers(t *testing.T) {
	body := "\n\ndeny contains 1 if not startswith(input.action.payload.x, \"a\")\n"
	for file, text := range map[string]string{
		"other.rego":  "package other" + body,
		"p_test.rego": "package countersign.p_test" + body,
		"prefix.rego": "package countersigned.p" + body,
	} {
		if ds := check(&Request{Files: map[string]string{file: text}}).Diagnostics; len(ds) > 0 {
			t.Errorf("%s: %+v", file, ds)
		}
	}
	ds := check(&Request{Files: map[string]string{"p.rego": "package countersign.p" + body + "hold contains 1 if nope(1)"}}).Diagnostics
	if len(ds) != 1 || ds[0].Code != codeInvalid || ds[0].Severity != "" {
		t.Errorf("%+v", ds)
	}
}

// Every form of OPA's own conformance suite is read without a panic, in both ways, and to an end.
func TestMissingFieldsReadsTheConformanceSuite(t *testing.T) {
	read, found := 0, 0
	for _, c := range conformance(t) {
		files := map[string]string{}
		for i, text := range c.Modules {
			files[fmt.Sprintf("m%d.rego", i)] = text
		}
		modules, ds := parse(files, sourceCapabilities())
		if len(ds) > 0 {
			continue
		}
		compiler := newCompiler(sourceCapabilities()).WithStrict(false)
		if compiler.Compile(modules); compiler.Failed() {
			continue
		}
		f := finder{compiler: compiler, seen: map[visit]bool{}}
		for _, m := range compiler.Modules {
			for _, r := range m.Rules {
				f.rule(r, true)
				f.rule(r, false)
				f.head(r)
				read++
			}
		}
		found += len(f.found)
	}
	t.Logf("%d warnings in %d rules", found, read)
	if read < casesMin {
		t.Errorf("only %d rules", read)
	}
}
