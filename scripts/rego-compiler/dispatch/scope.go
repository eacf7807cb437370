package dispatch

import "github.com/open-policy-agent/opa/v1/ast"

// scope tells a built-in from a rule or an import of the same name. OPA lets both shadow a built-in; a local variable
// cannot be called.
type scope struct {
	shadows map[string]bool
}

// globalsOf maps each package to the names its rules define, over all of its files.
func globalsOf(modules map[string]*ast.Module) map[string]map[string]bool {
	out := map[string]map[string]bool{}
	for _, m := range modules {
		key := m.Package.Path.String()
		if out[key] == nil {
			out[key] = map[string]bool{}
		}
		for _, r := range m.Rules {
			out[key][firstName(r)] = true
		}
	}
	return out
}

// scopeOf takes the names that the package's rules define, and the imports of one file or query.
func scopeOf(globals map[string]bool, imports []*ast.Import) scope {
	shadows := map[string]bool{}
	for n := range globals {
		shadows[n] = true
	}
	for _, i := range imports {
		// `import future.keywords.contains` and `import rego.v1` name keywords, and leave contains() what it is.
		if p, ok := i.Path.Value.(ast.Ref); ok && (p.HasPrefix(ast.DefaultRootRef) || p.HasPrefix(ast.InputRootRef)) {
			shadows[string(i.Name())] = true
		}
	}
	return scope{shadows}
}

// builtin gives the built-in that an operator names, or nil.
func (s scope) builtin(op *ast.Term) *ast.Builtin {
	var name string
	switch v := op.Value.(type) {
	case ast.Var:
		name = string(v)
		if s.shadows[name] {
			return nil
		}
	case ast.Ref:
		head, ok := v[0].Value.(ast.Var)
		if !ok || s.shadows[string(head)] {
			return nil
		}
		name = v.String()
	default:
		return nil
	}
	return ast.BuiltinMap[name]
}
