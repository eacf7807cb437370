package dispatch

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/compile"
)

// One module calls every built-in; the names that its WebAssembly holds as C strings are those it imports.
func TestNativeIsWhatOPACompilesIn(t *testing.T) {
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
	modules, ds := parse(map[string]string{"t.rego": source.String()})
	if len(ds) > 0 {
		t.Fatal(ds)
	}
	b, err := emit(compile.TargetWasm, sourceCapabilities(), modules, []string{"t/p"})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range called {
		imported := bytes.Contains(b.WasmModules[0].Raw, []byte("\x00"+name+"\x00"))
		if imported == native[name] {
			t.Errorf("%s: imported %v, native %v", name, imported, native[name])
		}
	}
}

// Names are only strings: one that OPA drops or renames would silently stop counting.
func TestEveryNamedBuiltinExists(t *testing.T) {
	for _, list := range []map[string]bool{native, compiledOut, total, emptyIsUndefined, faulty} {
		for name := range list {
			if ast.BuiltinMap[name] == nil {
				t.Errorf("OPA has no built-in %s", name)
			}
		}
	}
	for name := range hints {
		if ast.BuiltinMap[name] == nil {
			t.Errorf("OPA has no built-in %s", name)
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
