package dispatch

import (
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// parse reads every .rego file, in the order of their names, and reports the errors of all of them.
func parse(files map[string]string, caps *ast.Capabilities) (map[string]*ast.Module, []Diagnostic) {
	modules := map[string]*ast.Module{}
	var ds []Diagnostic
	for _, name := range regoNames(files) {
		m, err := ast.ParseModuleWithOpts(name, files[name], ast.ParserOptions{
			ProcessAnnotation: true,
			RegoVersion:       ast.RegoV1,
			Capabilities:      caps,
		})
		if err != nil {
			ds = append(ds, diagnose(err, name)...)
			continue
		}
		if m == nil {
			ds = append(ds, at(nil, codeInvalid, "the file holds no Rego package", name))
			continue
		}
		modules[name] = m
	}
	return modules, ds
}

func regoNames(files map[string]string) []string {
	var out []string
	for name := range files {
		if strings.HasSuffix(name, ".rego") {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// policyFiles leaves out test modules.
func policyFiles(files map[string]string) map[string]string {
	out := map[string]string{}
	for name, text := range files {
		if !isTestFile(name) {
			out[name] = text
		}
	}
	return out
}

// withoutTests drops the test rules of each module, which is altered.
func withoutTests(modules map[string]*ast.Module) {
	for _, m := range modules {
		m.Rules = slices.DeleteFunc(m.Rules, isTestRule)
	}
}

func isTestFile(name string) bool { return strings.HasSuffix(name, "_test.rego") }

func isTestRule(r *ast.Rule) bool { return isTestName(firstName(r)) }

func isTestName(name string) bool {
	return strings.HasPrefix(name, "test_") || strings.HasPrefix(name, "todo_test_")
}

// firstName is the name that a rule's reference starts with.
func firstName(r *ast.Rule) string {
	if v, ok := r.Head.Ref()[0].Value.(ast.Var); ok {
		return string(v)
	}
	return ""
}

func sortedModules(modules map[string]*ast.Module) []*ast.Module {
	var keys []string
	for k := range modules {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	out := make([]*ast.Module, 0, len(keys))
	for _, k := range keys {
		out = append(out, modules[k])
	}
	return out
}
