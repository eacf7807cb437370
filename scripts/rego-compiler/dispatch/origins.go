package dispatch

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// field is a way into input that a value was taken from: input.action.payload.host.
type field struct {
	ref ast.Ref
	// each is how much of ref stands for every element in turn: a missing list has no elements, and skips no rule
	// that is about each of them.
	each int
	at   *ast.Location
}

// origin is what one variable of a compiled body was bound to.
type origin struct {
	terms []*ast.Term
	// alias says that the variable is the single term itself, not something computed from the terms.
	alias bool
	each  bool
	at    *ast.Location
}

// origins maps the variables of a compiled body to what they were bound to. A variable with no origin is known to be
// bound elsewhere: an argument of a function, the variable of `every`.
type origins map[ast.Var]*origin

// bind reads one expression. It tells whether it does nothing but bind variables that were free so far.
func (o origins) bind(e *ast.Expr, arity func(ast.Ref) int) bool {
	if e.Negated || !e.IsCall() {
		return false
	}
	terms := e.Operands()
	if e.IsEquality() {
		return o.bindSide(e, terms[0], terms[1]) || o.bindSide(e, terms[1], terms[0])
	}
	last := len(terms) - 1
	if last < 0 || last != arity(e.Operator()) {
		return false
	}
	return o.bindAll(terms[last], &origin{terms: terms[:last], at: e.Location})
}

func (o origins) bindSide(e *ast.Expr, to, from *ast.Term) bool {
	_, alias := to.Value.(ast.Var)
	return o.bindAll(to, &origin{[]*ast.Term{from}, alias, alias && !e.Generated && o.iterates(from), e.Location})
}

// bindAll binds a variable, or the variables of a pattern: [a, b].
func (o origins) bindAll(pattern *ast.Term, from *origin) bool {
	bound := false
	switch pattern.Value.(type) {
	case ast.Var, *ast.Array, ast.Object:
		eachVar(pattern, func(v ast.Var) {
			if _, known := o[v]; !known {
				o[v] = from
				bound = true
			}
		})
	}
	return bound
}

func eachVar(pattern *ast.Term, do func(ast.Var)) {
	switch v := pattern.Value.(type) {
	case ast.Var:
		do(v)
	case *ast.Array:
		v.Foreach(func(x *ast.Term) { eachVar(x, do) })
	case ast.Object:
		v.Foreach(func(_, x *ast.Term) { eachVar(x, do) })
	}
}

// iterates tells whether a reference has a variable that nothing has bound yet.
func (o origins) iterates(t *ast.Term) bool {
	ref, ok := t.Value.(ast.Ref)
	return ok && slices.ContainsFunc(ref[1:], func(x *ast.Term) bool {
		v, isVar := x.Value.(ast.Var)
		_, known := o[v]
		return isVar && !known
	})
}

func (o origins) inner() origins { return maps.Clone(o) }

// fields lists the ways into input that a term's value depends on. What stands in a comprehension does not count:
// there an undefined value leaves one element out, and the comprehension stays defined.
func (o origins) fields(t *ast.Term, at *ast.Location) []field {
	var out []field
	seen := map[ast.Var]bool{}
	var visit func(x any, at *ast.Location)
	visit = func(x any, at *ast.Location) {
		ast.NewGenericVisitor(func(x any) bool {
			switch x := x.(type) {
			case *ast.ArrayComprehension, *ast.SetComprehension, *ast.ObjectComprehension:
				return true
			case ast.Ref:
				out = append(out, o.expand(x, at, map[ast.Var]bool{})...)
				for _, t := range x {
					visit(t, at)
				}
				return true
			case ast.Var:
				from := o[x]
				if from == nil || seen[x] {
					return false
				}
				seen[x] = true
				source, isRef := from.terms[0].Value.(ast.Ref)
				if !from.alias || !isRef {
					for _, source := range from.terms {
						visit(source, from.at)
					}
					return false
				}
				out = append(out, o.expand(ast.Ref{ast.NewTerm(x)}, at, map[ast.Var]bool{})...)
				for _, t := range source {
					visit(t, from.at)
				}
			}
			return false
		}).Walk(x)
	}
	visit(t, at)
	return out
}

// expand follows the head of a reference to input, through variables that stand for a term.
func (o origins) expand(ref ast.Ref, at *ast.Location, seen map[ast.Var]bool) []field {
	if ref.HasPrefix(ast.InputRootRef) {
		return []field{{ref, 0, at}}
	}
	head, ok := ref[0].Value.(ast.Var)
	from := o[head]
	if !ok || from == nil || !from.alias || seen[head] {
		return nil
	}
	seen[head] = true
	next, ok := from.terms[0].Value.(ast.Ref)
	if !ok {
		if v, isVar := from.terms[0].Value.(ast.Var); isVar {
			next = ast.Ref{ast.NewTerm(v)}
		} else {
			return nil
		}
	}
	found := o.expand(next, from.at, seen)
	for i, f := range found {
		if from.each {
			found[i].each = len(f.ref)
		}
		found[i].ref = slices.Concat(f.ref, ref[1:])
	}
	return found
}

var plainName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// String prints a field as an author writes it; a variable is printed as [_].
func (f field) String() string {
	var s strings.Builder
	s.WriteString("input")
	for _, t := range f.ref[1:] {
		switch v := t.Value.(type) {
		case ast.String:
			if plainName.MatchString(string(v)) {
				s.WriteString("." + string(v))
				continue
			}
			s.WriteString("[" + v.String() + "]")
		case ast.Number, ast.Boolean, ast.Null:
			s.WriteString("[" + v.String() + "]")
		default:
			s.WriteString("[_]")
		}
	}
	return s.String()
}
