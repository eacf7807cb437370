package dispatch

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/compile"
	"github.com/open-policy-agent/opa/v1/ir"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// callsOfEverything gives a module that calls every built-in, and their names.
func callsOfEverything() (string, []string) {
	skip := names("internal.test_case internal.template_string internal.member_2 internal.member_3")
	var source strings.Builder
	source.WriteString("package t\n")
	var called []string
	for i, b := range ast.Builtins {
		if skip[b.Name] || compiledOut[b.Name] || b.IsDeprecated() {
			continue
		}
		var args []string
		for j := range arity(b) {
			args = append(args, fmt.Sprintf("input.a%d", j))
		}
		call := fmt.Sprintf("%s(%s)", b.Name, strings.Join(args, ", "))
		if b.Infix != "" {
			call = strings.Join(args, " "+b.Infix+" ")
		}
		if b.Name == ast.Assign.Name || b.Name == ast.Equality.Name {
			call = "x" + fmt.Sprint(i) + " = 1"
		} else if b.Relation {
			call = fmt.Sprintf("%s(%s, [_, _])", b.Name, strings.Join(args, ", "))
		}
		fmt.Fprintf(&source, "p contains %d if { %s }\n", i, call)
		called = append(called, b.Name)
	}
	return source.String(), called
}

// imports tells what a module names: it holds the names of the built-ins that it imports as C strings.
func imports(wasm []byte, name string) bool { return bytes.Contains(wasm, []byte("\x00"+name+"\x00")) }

func TestNativeIsWhatOPACompilesIn(t *testing.T) {
	source, called := callsOfEverything()
	modules, ds := parse(map[string]string{"t.rego": source}, sourceCapabilities())
	if len(ds) > 0 {
		t.Fatal(ds)
	}
	b, err := emit(compile.TargetWasm, sourceCapabilities(), modules, []string{"t/p"})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range called {
		if imported := imports(b.WasmModules[0].Raw, name); imported == native[name] {
			t.Errorf("%s: imported %v, native %v", name, imported, native[name])
		}
	}
}

// The name tells the host whether a refusal is undefined or raises.
func TestHostBuiltinsGoByOurNamesInStrictPackagesAndByTheirOwnInLaxOnes(t *testing.T) {
	source, called := callsOfEverything()
	pure := strings.Split(source, "\n")
	pure = slices.DeleteFunc(pure, func(line string) bool {
		return slices.ContainsFunc(slices.Collect(maps.Keys(impure)), func(name string) bool { return strings.Contains(line, " "+name+"(") })
	})
	source = strings.Join(pure, "\n")
	lax := "# METADATA\n# custom:\n#   strict_builtin_errors: false\n" + source
	for _, row := range []struct {
		source    string
		own, ours bool
	}{{source, false, true}, {lax, true, false}} {
		files := map[string]string{"t.rego": row.source}
		answer := ask[struct {
			built
			diagnosed
		}](t, Request{Op: "build", Files: files, Entrypoints: []string{"t/p"}, HostBuiltins: called})
		if len(answer.Wasm) == 0 {
			t.Fatal(answer.Diagnostics)
		}
		calls := strictCalls(t, files)
		if got := calls[failName]; got != row.ours {
			t.Errorf("%s: called %v", failName, got)
		}
		for _, name := range called {
			if native[name] || impure[name] {
				continue
			}
			if own, ours := calls[name], calls[hostPrefix+name]; own != row.own || ours != row.ours {
				t.Errorf("%s: by its own name %v, by ours %v", name, own, ours)
			}
		}
	}
}

// strictCalls names the built-ins that the strict form calls, by way of its plan.
func strictCalls(t *testing.T, files map[string]string) map[string]bool {
	t.Helper()
	modules, ds := parse(files, sourceCapabilities())
	generated, err := strictly(modules)
	if err != nil || len(ds) > 0 {
		t.Fatal(err, ds)
	}
	if generated != nil {
		modules[strictFile] = generated
	}
	b, err := emit(compile.TargetPlan, strictCapabilities(), modules, []string{"t/p"})
	if err != nil {
		t.Fatal(err)
	}
	var policy ir.Policy
	if err := json.Unmarshal(b.PlanModules[0].Raw, &policy); err != nil {
		t.Fatal(err)
	}
	return names(strings.Join(builtinsOf(&policy), " "))
}

// What a newer OPA adds as nondeterministic stays refused until somebody has looked at it.
func TestAllowanceKnowsEveryNondeterministicBuiltin(t *testing.T) {
	var every []string
	for _, b := range ast.Builtins {
		every = append(every, b.Name, hostPrefix+b.Name)
	}
	all, none := allow(every), allow(nil)
	for _, b := range ast.Builtins {
		if b.IsNondeterministic() && !impure[b.Name] && !determined[b.Name] {
			t.Errorf("%s is new", b.Name)
		}
		if got := all.allows(b); got == impure[b.Name] {
			t.Errorf("%s: supplied, allowed %v", b.Name, got)
		}
		if got := none.allows(b); got != (native[b.Name] || compiledOut[b.Name]) {
			t.Errorf("%s: not supplied, allowed %v", b.Name, got)
		}
	}
	for name := range impure {
		if hint(name) == defaultHint {
			t.Errorf("%s has no hint", name)
		}
	}
}

// A built-in that may end without a value and without an error must stand in faultOf: tried with operands of each kind.
func TestOnlyTheNamedBuiltinsMayBeUndefined(t *testing.T) {
	var pool []*ast.Term
	for _, text := range undefinedPool {
		pool = append(pool, ast.MustParseTerm(text))
	}
	for _, b := range ast.Builtins {
		if impure[b.Name] || compiledOut[b.Name] || total[b.Name] || b.IsDeprecated() || arity(b) > 3 {
			continue
		}
		f := topdown.GetBuiltin(b.Name)
		undefined := 0
		each(pool, arity(b), nil, func(operands []*ast.Term) {
			called := false
			bctx := topdown.BuiltinContext{
				Context: t.Context(), Cancel: topdown.NewCancel(), Time: ast.NumberTerm("1"),
				Capabilities: sourceCapabilities(),
			}
			err := f(bctx, operands, func(*ast.Term) error {
				called = true
				return nil
			})
			if err == nil && !called {
				undefined++
			}
		})
		if _, known := faultOf[b.Name]; known != (undefined > 0) {
			t.Errorf("%s: undefined %d times, named %v", b.Name, undefined, known)
		}
	}
}

var undefinedPool = []string{
	`1`, `-1`, `null`, `""`, `"x"`, `"/"`, `"10.0.0.0/30"`, `[]`, `[""]`, `[[]]`, `["a", 1]`, `{}`, `{"a": 1}`,
	`{"": ["a"]}`, `set()`, `{"a"}`, `{{1}}`, `[{"op": "remove", "path": ""}]`, `"{ a }"`, `"type Query { a: Int }"`,
}

func each(pool []*ast.Term, n int, chosen []*ast.Term, do func([]*ast.Term)) {
	if n == 0 {
		do(chosen)
		return
	}
	for _, t := range pool {
		each(pool, n-1, append(slices.Clip(chosen), t), do)
	}
}

// Names are only strings: one that OPA drops or renames would silently stop counting.
func TestEveryNamedBuiltinExists(t *testing.T) {
	for _, list := range []map[string]bool{native, compiledOut, total, impure, determined} {
		for name := range list {
			if ast.BuiltinMap[name] == nil {
				t.Errorf("OPA has no built-in %s", name)
			}
		}
	}
	for _, list := range []map[string]string{hints, faultOf} {
		for name := range list {
			if ast.BuiltinMap[name] == nil {
				t.Errorf("OPA has no built-in %s", name)
			}
		}
	}
}

// Every generated wrapper has to parse, whichever built-ins a policy uses.
func TestWrappersParse(t *testing.T) {
	used := map[string]*ast.Builtin{}
	for _, b := range ast.Builtins {
		if arity(b) > 0 && !total[b.Name] && !compiledOut[b.Name] && !strings.HasPrefix(b.Name, "internal.") {
			used[b.Name] = b
		}
	}
	m, err := ast.ParseModuleWithOpts("w.rego", wrappers(used), ast.ParserOptions{Capabilities: strictCapabilities()})
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Rules) != len(used) {
		t.Errorf("%d rules for %d built-ins", len(m.Rules), len(used))
	}
}
