package dispatch

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/test/cases"
)

// ask goes the way of a request.
func ask[T any](t *testing.T, r Request) T {
	t.Helper()
	in, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var out T
	d := json.NewDecoder(strings.NewReader(string(Dispatch(in))))
	d.DisallowUnknownFields()
	if err := d.Decode(&out); err != nil {
		t.Fatal(err)
	}
	return out
}

type planAnswer struct {
	planned
	diagnosed
	Failure string `json:"failure"`
}

// Every case of OPA's suite is planned as package rego plans it, but for the name of the query's file, or refused where
// package rego refuses it.
func TestPlanIsOPAsOverItsConformanceSuite(t *testing.T) {
	same, refused := 0, 0
	for _, c := range conformance(t) {
		files := map[string]string{}
		for i, text := range c.Modules {
			files[fmt.Sprintf("module-%d.rego", i)] = text
		}
		got := ask[planAnswer](t, Request{
			Op: "plan", Files: files, Query: c.Query, AllBuiltins: true, ExperimentalKeywords: c.ExperimentalKeywords,
		})
		want, err := planByRego(c, files)
		if (err != nil) != (len(got.Diagnostics) > 0) || got.Failure != "" {
			t.Errorf("%s: want %v, got %v %s", c.Note, err, got.Diagnostics, got.Failure)
			continue
		}
		if err != nil {
			refused++
			continue
		}
		if want != got.Plan {
			t.Errorf("%s: want %s, got %s", c.Note, want, got.Plan)
		}
		same++
	}
	t.Logf("planned %d cases, refused %d", same, refused)
	if same < casesMin {
		t.Errorf("only %d cases", same)
	}
}

func planByRego(c cases.TestCase, files map[string]string) (string, error) {
	caps := ast.CapabilitiesForThisVersion(ast.CapabilitiesExperimentalKeywords(c.ExperimentalKeywords))
	options := []func(*rego.Rego){
		rego.Query(c.Query), rego.SetRegoVersion(ast.RegoV1), rego.Capabilities(caps), rego.Target(planTarget),
	}
	for name, text := range files {
		options = append(options, rego.Module(name, text))
	}
	out := &planner{}
	_, err := rego.New(options...).PrepareForEval(context.WithValue(context.Background(), plannerKey{}, out))
	if err != nil {
		return "", err
	}
	raw, err := json.Marshal(out.policy)
	if err != nil {
		return "", err
	}
	text, err := canonicalPlan(raw)
	return strings.ReplaceAll(text, `"<query>"`, `"`+queryFile+`"`), err
}

func TestPlanNamesWhatTheQueryGives(t *testing.T) {
	source := map[string]string{"p.rego": "package a\nimport rego.v1\nf(x) := x + 1\ndeny contains upper(input.x)\n"}
	for _, row := range []struct {
		query, imports string
		builtins       []string
		expressions    []expression
	}{
		{"data.a.deny", "", []string{"upper"}, []expression{{"data.a.deny", 1, 1, "^term1"}}},
		{"x := input.y; x > 2", "", []string{"gt"}, []expression{{"x := input.y", 1, 1, ""}, {"x > 2", 1, 15, "^term1"}}},
		{"x = {\"a\": {1, 2}}", "", []string{}, []expression{{`x = {"a": {1, 2}}`, 1, 1, ""}}},
		{"a.f(2)\nnot input.z", "data.a", []string{"plus"}, []expression{{"a.f(2)", 1, 1, "^term1"}, {"not input.z", 2, 1, ""}}},
		{"b.deny[x]", "data.a as b", []string{"upper"}, []expression{{"b.deny[x]", 1, 1, "^term1"}}},
		{"count(y)", "input.x as y", []string{"count"}, []expression{{"count(y)", 1, 1, "^term1"}}},
		{"1", "", []string{}, []expression{{"1", 1, 1, "^term1"}}},
		{"some i; input.x[i]; true", "", []string{}, []expression{{"input.x[i]", 1, 9, "^term1"}, {"true", 1, 21, "^term2"}}},
		{"abs(1) == 1 with abs as f", "data.a.f", []string{"equal", "plus"}, []expression{{"abs(1) == 1 with abs as f", 1, 1, "^term1"}}},
		{"input.x or input.y", "future.keywords.or", []string{}, []expression{{"input.x or input.y", 1, 1, ""}}},
		{"input.x and input.y", "future.keywords", []string{}, []expression{{"input.x and input.y", 1, 1, ""}}},
		{"input.x and input.y", "rego.v2", []string{}, []expression{{"input.x and input.y", 1, 1, ""}}},
	} {
		r := Request{Op: "plan", Files: source, Query: row.query}
		if row.imports != "" {
			r.Imports = []string{row.imports}
		}
		got := ask[planAnswer](t, r)
		if !reflect.DeepEqual(got.Builtins, row.builtins) || !reflect.DeepEqual(got.Expressions, row.expressions) {
			t.Errorf("%s: got %+v", row.query, got)
		}
		if got.Plan != "" && !strings.Contains(got.Plan, `"files":[{"value":"query"}`) && !strings.Contains(got.Plan, `{"value":"query"}]`) {
			t.Errorf("%s: no file %s in %s", row.query, queryFile, got.Plan)
		}
	}
}

func TestPlanWithoutFiles(t *testing.T) {
	got := ask[planAnswer](t, Request{Op: "plan", Query: "x := 1 + 1"})
	if got.Plan == "" || !reflect.DeepEqual(got.Builtins, []string{"plus"}) {
		t.Errorf("got %+v", got)
	}
}

func TestPlanRefuses(t *testing.T) {
	unused := map[string]string{"p.rego": "package a\np if { x := 1 }"}
	for _, row := range []struct {
		note string
		r    Request
		want string
	}{
		{"no query", Request{}, "query:1:1 REGO_INVALID the query is empty"},
		{"a comment", Request{Query: "# nothing"}, "query:1:1 REGO_INVALID the query is empty"},
		{"no expression", Request{Query: "package x"}, "query:1:1 REGO_INVALID expected an expression"},
		{"half an expression", Request{Query: "true\nx := "}, "query:2:5 REGO_INVALID rego_parse_error"},
		{"an unsafe variable", Request{Query: "true; x > 1"}, "query:1:7 REGO_INVALID rego_unsafe_var_error"},
		{"an unknown function", Request{Query: "nope(1)"}, "query:1:1 REGO_INVALID rego_type_error"},
		{"a type error", Request{Query: "1 + \"a\""}, "query:1:1 REGO_INVALID rego_type_error"},
		{"the clock", Request{Query: "1 <\n time.now_ns()"}, "query:2:2 REGO_BUILTIN_REFUSED"},
		{"the clock in a mock", Request{Query: "input.f with input.f as 1 with count as time.now_ns"}, "query:1:27 REGO_BUILTIN_REFUSED"},
		{"what nobody supplies", Request{Query: "uri.parse(\"x\")"}, "query:1:1 REGO_BUILTIN_REFUSED"},
		{"what nobody supplies, in a source", Request{Query: "1", Files: map[string]string{"p.rego": "package a\np := uri.parse(\"x\")"}}, "p.rego:2:6 REGO_BUILTIN_REFUSED"},
		{"a source that does not parse", Request{Query: "1", Files: map[string]string{"p.rego": "package a\np :="}}, "p.rego:2:4 REGO_INVALID"},
		{"an import that is none", Request{Query: "1", Imports: []string{"data.a", "nope.x"}}, "import:2:1 REGO_INVALID"},
		{"two imports in one", Request{Query: "1", Imports: []string{"data.a\nimport data.b"}}, "import:1:1 REGO_INVALID expected one import"},
		{"a keyword that is not imported", Request{Query: "input.x or input.y"}, "query:1:9 REGO_INVALID rego_unsafe_var_error: var or is unsafe"},
		{"an import of no keyword", Request{Query: "1", Imports: []string{"future.keywords.nope"}}, "import:1:1 REGO_INVALID"},
		{"an unused variable, strictly", Request{Query: "1", Files: unused, Strict: true}, "p.rego:2:8 REGO_INVALID"},
	} {
		row.r.Op = "plan"
		got := ask[planAnswer](t, row.r)
		if len(got.Diagnostics) == 0 {
			t.Errorf("%s: planned", row.note)
			continue
		}
		d := got.Diagnostics[0]
		if text := fmt.Sprintf("%s:%d:%d %s %s", d.File, d.Line, d.Column, d.Code, d.Message); !strings.HasPrefix(text, row.want) {
			t.Errorf("%s: want %s, got %s", row.note, row.want, text)
		}
	}
	for _, r := range []Request{
		{Query: "1", Files: unused},
		{Query: "uri.parse(\"x\")", HostBuiltins: []string{"uri.parse"}},
		{Query: "time.now_ns(); http.send({})", AllBuiltins: true},
		{Query: "1", ExperimentalKeywords: true},
	} {
		r.Op = "plan"
		if got := ask[planAnswer](t, r); len(got.Diagnostics) > 0 || got.Plan == "" {
			t.Errorf("%s: %+v", r.Query, got)
		}
	}
}
