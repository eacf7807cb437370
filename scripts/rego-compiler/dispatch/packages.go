package dispatch

import (
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// Rule is the first definition of a name in a package.
type Rule struct {
	Name   string `json:"name"`
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	Shape  string `json:"shape"`
}

// Package is one Rego package over all of its policy files.
type Package struct {
	Name   string         `json:"name"`
	File   string         `json:"file"`
	Line   int            `json:"line"`
	Column int            `json:"column"`
	Rules  []Rule         `json:"rules"`
	Custom map[string]any `json:"custom"`
}

// describe lists the packages in the order of their first file; test modules and test rules are left out.
func describe(modules map[string]*ast.Module) []Package {
	out := []Package{}
	index := map[string]int{}
	seen := map[string]bool{}
	for _, m := range sortedModules(modules) {
		if isTestFile(m.Package.Location.File) {
			continue
		}
		name := packageName(m)
		i, ok := index[name]
		if !ok {
			i = len(out)
			index[name] = i
			loc := m.Package.Location
			out = append(out, Package{name, loc.File, loc.Row, loc.Col, []Rule{}, map[string]any{}})
		}
		for _, r := range m.Rules {
			rule := Rule{ruleName(r), r.Location.File, r.Location.Row, r.Location.Col, shape(r)}
			if isTestRule(r) || seen[name+"\x00"+rule.Name] {
				continue
			}
			seen[name+"\x00"+rule.Name] = true
			out[i].Rules = append(out[i].Rules, rule)
		}
		for _, a := range m.Annotations {
			if a.Scope == "package" {
				for k, v := range a.Custom { // OPA refuses a second package annotation, so nothing is overwritten.
					out[i].Custom[k] = v
				}
			}
		}
	}
	return out
}

func packageName(m *ast.Module) string {
	return strings.TrimPrefix(m.Package.Path.String(), "data.")
}

// ruleName is the first name of a rule's reference; a function keeps its whole dotted name.
func ruleName(r *ast.Rule) string {
	if len(r.Head.Args) > 0 {
		return r.Head.Ref().String()
	}
	return firstName(r)
}

func shape(r *ast.Rule) string {
	switch {
	case len(r.Head.Args) > 0:
		return "function"
	case len(r.Head.Ref()) > 1:
		return "object"
	case r.Head.RuleKind() == ast.MultiValue:
		return "set"
	}
	return "value"
}
