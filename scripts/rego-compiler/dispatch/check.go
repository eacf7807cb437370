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
	modules, ds := parse(r.Files, sourceCapabilities())
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
	c := newCompiler(sourceCapabilities())
	c.Compile(modules)
	if c.Failed() {
		ds = append(ds, diagnose(c.Errors, "")...)
	}
	return c, ds
}

func newCompiler(caps *ast.Capabilities) *ast.Compiler {
	return ast.NewCompiler().WithCapabilities(caps).WithStrict(true).
		WithUseTypeCheckAnnotations(true).WithEnablePrintStatements(true).
		WithDefaultRegoVersion(ast.RegoV1).SetErrorLimit(errorsMax)
}

// refusals lists the built-ins, the `with` targets, the metadata and the package names that a policy may not use.
func refusals(modules map[string]*ast.Module, a allowance) []Diagnostic {
	ds := laxProblems(modules)
	globals := globalsOf(modules)
	for _, m := range sortedModules(modules) {
		g := guard{allowance: a, scope: scopeOf(globals[m.Package.Path.String()], m.Imports), file: m.Package.Location.File}
		if name := packageName(m); name == strictPackage || strings.HasPrefix(name, strictPackage+".") {
			ds = append(ds, at(m.Package.Location, codeInvalid, "the package name "+strictPackage+" is reserved", g.file))
		}
		walk(m, func(x any) {
			g.visit(x, func(w *ast.With) { g.replaced(m, w) })
		})
		ds = append(ds, g.found...)
	}
	return ds
}

// guard collects the refused calls of one file.
type guard struct {
	allowance
	scope scope
	file  string
	found []Diagnostic
}

// visit looks at one node, not at those below it.
func (g *guard) visit(x any, with func(*ast.With)) {
	switch x := x.(type) {
	case *ast.Expr:
		if terms, ok := x.Terms.([]*ast.Term); ok {
			g.call(terms[0], siteOf(terms[0], x.Location))
		}
		for _, w := range x.With {
			with(w)
		}
	case *ast.Term:
		if c, ok := x.Value.(ast.Call); ok {
			g.call(c[0], siteOf(c[0], x.Location))
		}
	}
}

func (g *guard) call(op *ast.Term, loc *ast.Location) {
	if b := g.scope.builtin(op); b != nil && !g.allows(b) {
		d := at(loc, codeRefused, fmt.Sprintf("built-in function %s is not allowed", b.Name), g.file)
		d.Hint = hint(b.Name)
		g.found = append(g.found, d)
	}
}

// replaced refuses `with <built-in> as ...` and `with f as <built-in>` outside test rules and test files: the strict
// module calls wrappers in place of built-ins, and no rule of a policy has a reason to mock one.
func (g *guard) replaced(m *ast.Module, w *ast.With) {
	if isTestFile(g.file) || inTestRule(m, w.Location) {
		g.call(w.Value, w.Location)
		return
	}
	for _, t := range []*ast.Term{w.Target, w.Value} {
		if b := g.scope.builtin(t); b != nil {
			g.found = append(g.found, at(w.Location, codeInvalid,
				fmt.Sprintf("`with` may name the built-in function %s in tests only", b.Name), g.file))
		}
	}
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
