package dispatch

import (
	"fmt"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// laxKey is the word of a package's METADATA, below custom, that says with the value false: in this package a built-in
// that errs is undefined, as in OPA. Everywhere else it ends the evaluation.
const laxKey = "strict_builtin_errors"

// laxPackages holds the paths of the packages that ask for lax errors in one of their policy files.
func laxPackages(modules map[string]*ast.Module) map[string]bool {
	out := map[string]bool{}
	for _, m := range modules {
		if isTestFile(m.Package.Location.File) {
			continue
		}
		for _, a := range m.Annotations {
			if strict, ok := a.Custom[laxKey].(bool); ok && !strict && a.Scope == "package" {
				out[m.Package.Path.String()] = true
			}
		}
	}
	return out
}

// laxProblems reports values that are neither true nor false.
func laxProblems(modules map[string]*ast.Module) []Diagnostic {
	var ds []Diagnostic
	for _, m := range sortedModules(modules) {
		for _, a := range m.Annotations {
			value, given := a.Custom[laxKey]
			if _, ok := value.(bool); !given || ok || a.Scope != "package" {
				continue
			}
			ds = append(ds, at(placeOf(m, a), codeInvalid,
				fmt.Sprintf("METADATA custom.%s: expected true or false, found %v", laxKey, value), m.Package.Location.File))
		}
	}
	return ds
}

// placeOf finds the comment that holds the word: YAML within comments has no places of its own.
func placeOf(m *ast.Module, a *ast.Annotations) *ast.Location {
	for _, c := range m.Comments {
		if i := strings.Index(string(c.Text), laxKey); i >= 0 && c.Location.Row >= a.Location.Row && c.Location.Row < m.Package.Location.Row {
			place := *c.Location
			place.Col += 1 + i // The text starts after the number sign.
			return &place
		}
	}
	return a.Location
}

// laxFiles are the files of lax packages while one request is evaluated; requests come one at a time.
var laxFiles = map[string]bool{}

// forgive makes OPA's top-down evaluator treat lax packages as the other evaluators do, until the answer is called.
func forgive(modules map[string]*ast.Module) func() {
	packages := laxPackages(modules)
	for _, m := range modules {
		if packages[m.Package.Path.String()] {
			laxFiles[m.Package.Location.File] = true
		}
	}
	return func() { clear(laxFiles) }
}

func init() {
	for _, b := range ast.Builtins {
		if f := topdown.GetBuiltin(b.Name); f != nil {
			topdown.RegisterBuiltinFunc(b.Name, forgiving(f))
		}
	}
}

// forgiving drops the error of a built-in that is called in a lax file. What is raised while its value is used reaches
// it as a halt, and stays.
func forgiving(f topdown.BuiltinFunc) topdown.BuiltinFunc {
	return func(bctx topdown.BuiltinContext, operands []*ast.Term, iter func(*ast.Term) error) error {
		err := f(bctx, operands, iter)
		if _, halted := err.(topdown.Halt); halted || bctx.Location == nil || !laxFiles[bctx.Location.File] {
			return err
		}
		return nil
	}
}
