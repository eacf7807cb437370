package dispatch

import (
	"fmt"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// errorsMax ends a compilation that reports the same mistake thousands of times.
const errorsMax = 1000

// strictPackage holds the generated wrappers of the strict module; no policy may use the name.
const strictPackage = "countersign__strict"

type checked struct {
	Diagnostics []Diagnostic `json:"diagnostics"`
	Packages    []Package    `json:"packages"`
}

func check(r *Request) checked {
	modules, ds := parse(r.Files)
	packages := describe(modules)
	if len(ds) > 0 {
		ds = append(ds, refusals(modules, allow(r.HostBuiltins))...)
		return checked{sorted(ds), packages}
	}
	c, ds := compiled(modules, allow(r.HostBuiltins))
	if len(ds) == 0 {
		ds = missingFields(c)
	}
	return checked{sorted(ds), packages}
}

// inspect compiles parsed modules and reports what OPA and our own rules object to.
func inspect(modules map[string]*ast.Module, a allowance) []Diagnostic {
	_, ds := compiled(modules, a)
	return ds
}

func compiled(modules map[string]*ast.Module, a allowance) (*ast.Compiler, []Diagnostic) {
	ds := refusals(modules, a)
	c := newCompiler()
	c.Compile(modules)
	if c.Failed() {
		ds = append(ds, diagnose(c.Errors, "")...)
	}
	return c, ds
}

func newCompiler() *ast.Compiler {
	return ast.NewCompiler().WithCapabilities(sourceCapabilities()).WithStrict(true).
		WithUseTypeCheckAnnotations(true).WithEnablePrintStatements(true).
		WithDefaultRegoVersion(ast.RegoV1).SetErrorLimit(errorsMax)
}

// refusals lists the built-ins, the `with` targets and the package names that a policy may not use.
func refusals(modules map[string]*ast.Module, a allowance) []Diagnostic {
	var ds []Diagnostic
	globals := globalsOf(modules)
	for _, m := range sortedModules(modules) {
		scope := scopeOf(m, globals)
		file := m.Package.Location.File
		if name := packageName(m); name == strictPackage || strings.HasPrefix(name, strictPackage+".") {
			ds = append(ds, at(m.Package.Location, codeInvalid, "the package name "+strictPackage+" is reserved", file))
		}
		visit := func(op *ast.Term, loc *ast.Location) {
			if b := scope.builtin(op); b != nil && !a.allows(b) {
				d := at(loc, codeRefused, fmt.Sprintf("built-in function %s is not allowed", b.Name), file)
				d.Hint = hint(b.Name)
				ds = append(ds, d)
			}
		}
		walk(m, func(x any) {
			switch x := x.(type) {
			case *ast.Expr:
				if terms, ok := x.Terms.([]*ast.Term); ok {
					visit(terms[0], siteOf(terms[0], x.Location))
				}
				for _, w := range x.With {
					ds = append(ds, replaced(m, w, scope, visit)...)
				}
			case *ast.Term:
				if c, ok := x.Value.(ast.Call); ok {
					visit(c[0], siteOf(c[0], x.Location))
				}
			}
		})
	}
	return ds
}

// replaced refuses `with <built-in> as ...` and `with f as <built-in>` outside test rules and test files: the strict
// module calls wrappers in place of built-ins, and no rule of a policy has a reason to mock one.
func replaced(m *ast.Module, w *ast.With, s scope, visit func(*ast.Term, *ast.Location)) []Diagnostic {
	file := m.Package.Location.File
	if isTestFile(file) || inTestRule(m, w.Location) {
		visit(w.Value, w.Location)
		return nil
	}
	var ds []Diagnostic
	for _, t := range []*ast.Term{w.Target, w.Value} {
		if b := s.builtin(t); b != nil {
			ds = append(ds, at(w.Location, codeInvalid,
				fmt.Sprintf("`with` may name the built-in function %s in tests only", b.Name), file))
		}
	}
	return ds
}

// walk visits all of a module, with the references of rule heads, which OPA's own visitor leaves out.
func walk(m *ast.Module, visit func(any)) {
	v := ast.NewGenericVisitor(func(x any) bool {
		visit(x)
		return false
	})
	v.Walk(m)
	for _, r := range m.Rules {
		for ; r != nil; r = r.Else {
			v.Walk(r.Head.Reference)
		}
	}
}

// inTestRule tells whether a place lies in a test rule: rules come in the order of the file.
func inTestRule(m *ast.Module, loc *ast.Location) bool {
	test := false
	for _, r := range m.Rules {
		if r.Location.Row > loc.Row || (r.Location.Row == loc.Row && r.Location.Col > loc.Col) {
			break
		}
		test = isTestRule(r)
	}
	return test
}

// siteOf prefers the operator's own place; a generated operator has none.
func siteOf(op *ast.Term, fallback *ast.Location) *ast.Location {
	if fallback != nil && fallback.Row > 0 {
		return fallback
	}
	return op.Location
}
