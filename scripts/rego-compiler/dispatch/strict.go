package dispatch

import (
	"fmt"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// strictFile does not end in .rego, so that it is never the name of an author's file.
const strictFile = strictPackage

// strictly rewrites modules in place so that a built-in that errors raises instead of being undefined.
//
// In OPA's WebAssembly a built-in that errors (1/0, to_number("x"), "x"+1) gives nothing, so the rule around it
// silently does not fire, and a `not` around it is true. Here each call f(x) of a built-in that can err becomes
// countersign__strict.call_f(x, "file:row:col"), a generated function that gives what f gives and otherwise calls the
// host's countersign.fail. Arguments that are undefined stay so: a function is not entered without them. The answer
// holds the generated module, or nil when no call needs it.
//
// Packages that ask for lax errors are left as they are.
func strictly(modules map[string]*ast.Module) (*ast.Module, error) {
	globals := globalsOf(modules)
	used := map[string]*ast.Builtin{}
	lax := laxPackages(modules)
	for _, m := range sortedModules(modules) {
		path := m.Package.Path.String()
		if lax[path] {
			continue
		}
		w := rewriter{scopeOf(globals[path], m.Imports), used, m.Package.Location.File}
		for _, r := range m.Rules {
			w.rule(r)
		}
	}
	if len(used) == 0 {
		return nil, nil
	}
	return ast.ParseModuleWithOpts(strictFile, wrappers(used), ast.ParserOptions{
		RegoVersion:  ast.RegoV1,
		Capabilities: strictCapabilities(),
	})
}

// wrappers prints the generated module.
func wrappers(used map[string]*ast.Builtin) string {
	var keys []string
	for n := range used {
		keys = append(keys, n)
	}
	slices.Sort(keys)
	var s strings.Builder
	fmt.Fprintf(&s, "package %s\n", strictPackage)
	for _, n := range keys {
		b := used[n]
		var args []string
		for i := range arity(b) {
			args = append(args, fmt.Sprintf("a%d", i))
		}
		call := fmt.Sprintf("%s(%s)", target(n), strings.Join(args, ", "))
		if b.Infix != "" {
			call = strings.Join(args, " "+b.Infix+" ")
		}
		fmt.Fprintf(&s, "\n%s(%s, site) := value if {\n\tvalue := %s\n}", wrapperName(n), strings.Join(args, ", "), call)
		if fault, ok := faultOf[n]; ok {
			fmt.Fprintf(&s, " else := value if {\n\t%s\n\tvalue := %s(%q, site)\n}\n", fault, failName, n)
		} else {
			fmt.Fprintf(&s, " else := %s(%q, site)\n", failName, n)
		}
	}
	return s.String()
}

func wrapperName(name string) string { return "call_" + strings.ReplaceAll(name, ".", "__") }

func arity(b *ast.Builtin) int { return len(b.Decl.FuncArgs().Args) }

// rewriter walks one module. Sets, objects and arrays cache hashes of what they hold, so they are built anew.
type rewriter struct {
	scope scope
	used  map[string]*ast.Builtin
	file  string
}

func (w rewriter) rule(r *ast.Rule) {
	for ; r != nil; r = r.Else {
		for _, t := range r.Head.Reference {
			w.term(t)
		}
		for _, t := range r.Head.Args {
			w.term(t)
		}
		w.term(r.Head.Key)
		w.term(r.Head.Value)
		w.body(r.Body)
	}
}

func (w rewriter) body(b ast.Body) {
	for _, e := range b {
		w.expr(e)
	}
}

func (w rewriter) expr(e *ast.Expr) {
	switch t := e.Terms.(type) {
	case *ast.Term:
		w.term(t)
	case []*ast.Term:
		w.exprCall(e, t)
	case *ast.SomeDecl:
		w.terms(t.Symbols)
	case *ast.Every:
		w.term(t.Key)
		w.term(t.Value)
		w.term(t.Domain)
		w.body(t.Body)
	case *ast.Not:
		w.body(t.Body)
	case *ast.LogicalAnd:
		w.body(t.Lhs)
		w.body(t.Rhs)
	case *ast.LogicalOr:
		w.body(t.Lhs)
		w.body(t.Rhs)
	default:
		panic(fmt.Sprintf("unknown expression %T", t))
	}
	for _, with := range e.With {
		w.term(with.Value)
	}
}

// exprCall rewrites a call that is an expression of its own. A term after the operands takes the value, as in
// plus(1, 2, x). Given to the wrapper, a value that does not match would count as none and raise, so the wrapper's
// value is compared outside of it: plus(1, 2) = x.
func (w rewriter) exprCall(e *ast.Expr, terms []*ast.Term) {
	b := w.scope.builtin(terms[0])
	if b == nil || total[b.Name] || compiledOut[b.Name] || len(terms) != arity(b)+2 {
		e.Terms = w.call(terms, e.Location)
		return
	}
	last := len(terms) - 1
	w.term(terms[last])
	value := ast.NewTerm(ast.Call(w.call(terms[:last], e.Location))).SetLocation(e.Location)
	op := ast.NewTerm(ast.Equality.Ref()).SetLocation(e.Location)
	e.Terms = []*ast.Term{op, value, terms[last]}
}

func (w rewriter) terms(ts []*ast.Term) {
	for _, t := range ts {
		w.term(t)
	}
}

func (w rewriter) term(t *ast.Term) {
	if t == nil {
		return
	}
	switch v := t.Value.(type) {
	case ast.Null, ast.Boolean, ast.Number, ast.String, ast.Var:
	case ast.Ref:
		w.terms(v)
	case ast.Call:
		t.Value = ast.Call(w.call(v, t.Location))
	case *ast.Array:
		items := make([]*ast.Term, 0, v.Len())
		v.Foreach(func(x *ast.Term) { items = append(items, w.copied(x)) })
		t.Value = ast.NewArray(items...)
	case ast.Set:
		items := make([]*ast.Term, 0, v.Len())
		v.Foreach(func(x *ast.Term) { items = append(items, w.copied(x)) })
		t.Value = ast.NewSet(items...)
	case ast.Object:
		items := make([][2]*ast.Term, 0, v.Len())
		v.Foreach(func(k, x *ast.Term) { items = append(items, [2]*ast.Term{w.copied(k), w.copied(x)}) })
		t.Value = ast.NewObject(items...)
	case *ast.ArrayComprehension:
		w.term(v.Term)
		w.body(v.Body)
	case *ast.SetComprehension:
		w.term(v.Term)
		w.body(v.Body)
	case *ast.ObjectComprehension:
		w.term(v.Key)
		w.term(v.Value)
		w.body(v.Body)
	case *ast.TemplateString:
		for _, p := range v.Parts {
			if e, ok := p.(*ast.Expr); ok {
				w.expr(e)
			} else if x, ok := p.(*ast.Term); ok {
				w.term(x)
			} else {
				panic(fmt.Sprintf("unknown part of a template string %T", p))
			}
		}
	default:
		panic(fmt.Sprintf("unknown term %T", v))
	}
}

// copied keeps the collection that is being walked as it is.
func (w rewriter) copied(t *ast.Term) *ast.Term {
	c := t.Copy()
	w.term(c)
	return c
}

// call rewrites one call and its operands.
func (w rewriter) call(terms []*ast.Term, loc *ast.Location) []*ast.Term {
	w.terms(terms[1:])
	b := w.scope.builtin(terms[0])
	if b == nil || total[b.Name] || compiledOut[b.Name] {
		return terms
	}
	if len(terms) != arity(b)+1 {
		panic(fmt.Sprintf("%s is called with %d operands", b.Name, len(terms)-1))
	}
	w.used[b.Name] = b
	place := siteOf(terms[0], loc)
	site := ast.StringTerm(fmt.Sprintf("%s:%d:%d", w.file, place.Row, place.Col)).SetLocation(place)
	op := ast.NewTerm(ast.Ref{
		ast.DefaultRootDocument,
		ast.StringTerm(strictPackage),
		ast.StringTerm(wrapperName(b.Name)),
	}).SetLocation(place)
	return slices.Concat([]*ast.Term{op}, terms[1:], []*ast.Term{site})
}
