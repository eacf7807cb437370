package dispatch

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

const laxHead = "# METADATA\n# title: t\n# custom:\n#   strict_builtin_errors: false\n"

// Two packages of the same rules, one of them lax, and a strict one that calls into the lax one.
var laxFixture = map[string]string{
	"lax.rego":    laxHead + "package lax\n\nimport data.strict\n\np := to_number(input.x)\n\nq if not p\n\nf(x) := 1 / x\n\nr := strict.p\n",
	"strict.rego": "package strict\n\nimport data.lax\n\np := to_number(input.x)\n\nq if not p\n\nr if not lax.f(0)\n\ns := lax.f(to_number(input.x))\n",
}

func TestBuiltinErrorsAreUndefinedInLaxPackagesAlone(t *testing.T) {
	for _, row := range []struct{ query, want string }{
		{"data.lax.p", "[]"},
		{"data.lax.q", "[true]"},
		{"data.strict.p", "strict.rego:5:6"},
		{"data.strict.q", "strict.rego:5:6"},
		{"data.strict.r", "[true]"},
		{"data.strict.s", "strict.rego:11:12"},
		{"data.lax.r", "strict.rego:5:6"},
		{"to_number(\"x\")", "query:1:1"},
	} {
		got := ask[oracleReply](t, Request{Op: "oracle", Files: laxFixture, Query: row.query, Input: []byte(`{"x": "x"}`), Strict: true})
		if text := got.String(); text != row.want {
			t.Errorf("%s: want %s, got %s", row.query, row.want, text)
		}
	}
	if len(laxFiles) > 0 {
		t.Errorf("left over: %v", laxFiles)
	}
}

// An error that is raised later, in what uses a lax built-in's value, is not the built-in's.
func TestErrorsBehindALaxCallStay(t *testing.T) {
	files := map[string]string{"lax.rego": laxHead + "package lax\n\nf(1) := 1\n\nf(_) := 2\n\np if {\n\tsome x in numbers.range(1, 2)\n\tf(x) == 2\n}\n"}
	got := ask[oracleReply](t, Request{Op: "oracle", Files: files, Query: "data.lax.p", Strict: true})
	if got.Error == nil || got.Error.Code != "eval_conflict_error" {
		t.Errorf("got %+v", got)
	}
}

func TestTestsSeeLaxPackagesAsTheEngineDoes(t *testing.T) {
	files := map[string]string{"a_test.rego": "package a_test\n\nimport data.lax\nimport data.strict\n\n" +
		"test_lax if not lax.p with input.x as \"x\"\n\ntest_strict if not strict.p with input.x as \"x\"\n"}
	for name, text := range laxFixture {
		files[name] = text
	}
	got := ask[struct {
		tested
		diagnosed
	}](t, Request{Op: "test", Files: files, TimeoutMs: 5000})
	var outcomes []string
	for _, r := range got.Results {
		outcomes = append(outcomes, r.Name+" "+r.Outcome)
	}
	if want := []string{"test_lax pass", "test_strict error"}; !reflect.DeepEqual(outcomes, want) {
		t.Errorf("want %v, got %v %v", want, outcomes, got.Diagnostics)
	}
}

func TestOnlyPackageMetadataOfPolicyFilesMakesLax(t *testing.T) {
	for _, row := range []struct {
		note, file, text string
		want             bool
	}{
		{"package scope", "p.rego", laxHead + "package p\n\nq := 1\n", true},
		{"another file of the package", "p2.rego", laxHead + "package p\n", true},
		{"true", "p.rego", strings.Replace(laxHead, "false", "true", 1) + "package p\n", false},
		{"the scope of a rule", "p.rego", "package p\n\n" + laxHead + "q := 1\n", false},
		{"the scope of packages below", "p.rego", "# METADATA\n# scope: subpackages\n# custom:\n#   strict_builtin_errors: false\npackage p\n", false},
		{"another word", "p.rego", strings.Replace(laxHead, "strict_b", "strictb", 1) + "package p\n", false},
		{"not below custom", "p.rego", "# METADATA\n# title: strict_builtin_errors false\npackage p\n", false},
		{"a test file", "p_test.rego", laxHead + "package p\n", false},
		{"a package below", "p.rego", laxHead + "package p.below\n", false},
	} {
		files := map[string]string{"main.rego": "package p\n\nmain := 1\n", row.file: row.text}
		modules, ds := parse(files, sourceCapabilities())
		if len(ds) > 0 {
			t.Fatal(row.note, ds)
		}
		if got := laxPackages(modules)["data.p"]; got != row.want {
			t.Errorf("%s: %v", row.note, got)
		}
	}
}

func TestStrictnessThatIsNoBooleanIsReported(t *testing.T) {
	for _, value := range []string{`"false"`, "0", "null", "{}", "no way"} {
		text := "package a\n\n# strict_builtin_errors: 1\nx := 1\n"
		broken := "# METADATA\n# title: t\n# custom:\n#   on: {}\n#   strict_builtin_errors: " + value + "\npackage p\n"
		for _, r := range []Request{
			{Op: "check"}, {Op: "build", Entrypoints: []string{"a/x"}}, {Op: "test"}, {Op: "oracle", Query: "1"},
			{Op: "plan", Query: "1"}, {Op: "plan", Query: "1", AllBuiltins: true},
		} {
			r.Files = map[string]string{"a.rego": text, "p.rego": broken}
			got := ask[map[string]any](t, r)
			ds, _ := got["diagnostics"].([]any)
			if len(ds) != 1 {
				t.Errorf("%s %s: %v", r.Op, value, got)
				continue
			}
			d := ds[0].(map[string]any)
			place := fmt.Sprintf("%v:%v:%v %v", d["file"], d["line"], d["column"], d["code"])
			if place != "p.rego:5:5 "+codeInvalid || !strings.Contains(fmt.Sprint(d["message"]), "expected true or false") {
				t.Errorf("%s %s: %s %v", r.Op, value, place, d["message"])
			}
		}
	}
}
