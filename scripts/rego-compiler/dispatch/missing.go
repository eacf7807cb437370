package dispatch

import (
	"fmt"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

const codeMissing = "REGO_FIELD_MAY_BE_MISSING"

const severityWarning = "warning"

// enforcing holds the rules of a countersign package that stop something: what skips one of them lets an action pass.
var enforcing = names(`deny hold redact`)

// always holds what the engine puts into every input, null included: inputOf in src/decide/evaluate.
var always = names(`
	input input.now input.action input.action.project input.action.agent input.action.session input.action.principal
	input.action.role input.action.service input.action.action input.action.payload input.action.context
	input.action.priority input.action.fingerprint input.action.effect input.action.phase
	input.state input.state.counters input.state.recent`)

// ofRecent holds the fields of each element of input.state.recent.
var ofRecent = names(`service action verdict at`)

const (
	hintNot = "negate a rule without arguments: `not listed`, with `listed if %s in ...`; or a function that " +
		"takes the path, as those of data.countersign.lib"
	hintUnequal = "negate equality, which holds for a missing field too: `not %s == ...`; where a call stands around " +
		"the field, negate a rule without arguments"
	hintEach = "negate a function that takes the whole element: `not sound(item)`, with `sound(item) if item.x == ...`"
	hintHead = "take the value with object.get and a default for a missing field"
)

// missingFields warns where an input without a field makes an expression undefined and thereby skips a rule that should
// stop the action.
//
// It reads the compiled rules, in which OPA has taken operands out of calls: `not f(input.x)` has become `v = input.x;
// not f(v)`, which is undefined without input.x. What stays inside of the `not` is safe by that. A helper counts where
// its being undefined skips the rule: not below an odd number of negations.
func missingFields(c *ast.Compiler) []Diagnostic {
	var ds []Diagnostic
	for _, m := range sortedModules(c.Modules) {
		if isTestFile(m.Package.Location.File) || !strings.HasPrefix(packageName(m), hostPrefix) {
			continue
		}
		f := finder{compiler: c, counters: countersOf(c, m.Package.Path), seen: map[visit]bool{}}
		for _, r := range m.Rules {
			if enforcing[firstName(r)] {
				f.rule(r, true)
				f.head(r)
			}
		}
		ds = append(ds, f.found...)
	}
	return ds
}

// countersOf gives the counters that a package declares in its metadata, in any of its files.
func countersOf(c *ast.Compiler, path ast.Ref) map[string]bool {
	out := map[string]bool{}
	for _, m := range c.Modules {
		for _, a := range m.Annotations {
			if counters, ok := a.Custom["counters"].(map[string]any); ok && a.Scope == "package" && m.Package.Path.Equal(path) {
				for name := range counters {
					out[name] = true
				}
			}
		}
	}
	return out
}

// visit is one reading of a rule. It counts if its being undefined skips an enforcing rule.
type visit struct {
	rule   *ast.Rule
	counts bool
}

type finder struct {
	compiler *ast.Compiler
	counters map[string]bool
	seen     map[visit]bool
	found    []Diagnostic
}

func (f *finder) rule(r *ast.Rule, counts bool) {
	if f.seen[visit{r, counts}] {
		return
	}
	f.seen[visit{r, counts}] = true
	for ; r != nil; r = r.Else {
		f.body(r.Body, originsOf(r), counts)
	}
}

// originsOf starts with the arguments of a function, which come from its callers.
func originsOf(r *ast.Rule) origins {
	o := origins{}
	for _, t := range r.Head.Args {
		eachVar(t, func(v ast.Var) { o[v] = nil })
	}
	return o
}

func (f *finder) body(b ast.Body, o origins, counts bool) {
	for _, e := range b {
		f.expr(e, o, counts)
		o.bind(e, f.arity)
	}
}

func (f *finder) expr(e *ast.Expr, o origins, counts bool) {
	switch t := e.Terms.(type) {
	case *ast.Every:
		f.body(t.Body, everyOrigins(t, o), counts)
		return
	case *ast.Not:
		f.body(t.Body, o.inner(), !counts)
		return
	case *ast.LogicalAnd:
		f.body(t.Lhs, o.inner(), counts)
		f.body(t.Rhs, o.inner(), counts)
		return
	case *ast.LogicalOr:
		f.body(t.Lhs, o.inner(), counts)
		f.body(t.Rhs, o.inner(), counts)
		return
	}
	if counts && e.Negated {
		f.negated(e, o)
	} else if counts && e.IsCall() && e.Operator().Equal(ast.NotEqual.Ref()) {
		f.unequal(e, o)
	}
	for _, r := range f.rulesIn(e) {
		f.rule(r, counts != (e.Negated || isFalse(e)))
	}
}

func everyOrigins(t *ast.Every, o origins) origins {
	inner := o.inner()
	if t.Key != nil {
		eachVar(t.Key, func(v ast.Var) { inner[v] = nil })
	}
	// The value stands for each element of the domain.
	domain := ast.Ref{t.Domain, ast.VarTerm("_")}
	if v, ok := t.Value.Value.(ast.Var); ok {
		inner[v] = &origin{[]*ast.Term{ast.NewTerm(domain)}, true, true, t.Domain.Location}
	}
	return inner
}

// negated looks at what OPA took out of a negated expression; a reference left in place is negated when undefined.
func (f *finder) negated(e *ast.Expr, o origins) {
	for _, one := range f.fieldsOf(e, o) {
		message := fmt.Sprintf("without %s this `not` is undefined, not true, and the rule does not apply", one)
		f.warn(e.Location, message, hintFor(one, hintNot))
		return
	}
}

func (f *finder) unequal(e *ast.Expr, o origins) {
	for _, one := range f.fieldsOf(e, o) {
		message := fmt.Sprintf("without %s this comparison is undefined, not true, and the rule does not apply", one)
		f.warn(e.Location, message, hintFor(one, hintUnequal))
		return
	}
}

func hintFor(one field, form string) string {
	name := one.String()
	if strings.Contains(name, "[_]") {
		return hintEach
	}
	return fmt.Sprintf(form, name)
}

// head looks for fields that the result of a rule names and its body does not ask for.
func (f *finder) head(r *ast.Rule) {
	if r.Head.Key == nil {
		return
	}
	o := originsOf(r)
	asked := f.asked(r.Body, o, map[*ast.Rule]bool{r: true})
	for _, one := range o.fields(r.Head.Key, r.Head.Location) {
		if !f.mayBeMissing(one) || isAsked(one, asked) {
			continue
		}
		message := fmt.Sprintf("without %s the result of this rule is undefined, and the rule does not apply", one)
		f.warn(one.at, message, hintHead)
		return
	}
}

// asked lists the fields without which a body is undefined on purpose. It fills o with what the body binds.
func (f *finder) asked(b ast.Body, o origins, seen map[*ast.Rule]bool) []field {
	var out []field
	for _, e := range b {
		if o.bind(e, f.arity) || e.Negated {
			continue
		}
		if every, ok := e.Terms.(*ast.Every); ok {
			out = append(out, o.fields(every.Domain, e.Location)...)
		}
		out = append(out, f.all(e, o)...)
		for _, r := range f.rulesIn(e) {
			if seen[r] {
				continue
			}
			seen[r] = true
			for ; r != nil; r = r.Else {
				out = append(out, f.asked(r.Body, originsOf(r), seen)...)
			}
		}
	}
	return out
}

func isAsked(one field, asked []field) bool {
	for _, a := range asked {
		if a.ref.HasPrefix(one.ref) {
			return true
		}
	}
	return false
}

// all lists every field that an expression depends on.
func (f *finder) all(e *ast.Expr, o origins) []field {
	var out []field
	for _, t := range operands(e) {
		out = append(out, o.fields(t, e.Location)...)
	}
	return out
}

// fieldsOf lists the fields that an expression depends on, that an input may lack, and whose lack is not negated.
func (f *finder) fieldsOf(e *ast.Expr, o origins) []field {
	var out []field
	for _, t := range operands(e) {
		terms := []*ast.Term{t}
		if ref, ok := t.Value.(ast.Ref); ok && e.Negated {
			terms = ref // The reference as a whole stays inside of the `not`; what it starts from and its indices do not.
		}
		for _, t := range terms {
			for _, one := range o.fields(t, e.Location) {
				if f.mayBeMissing(one) {
					out = append(out, one)
				}
			}
		}
	}
	return out
}

func operands(e *ast.Expr) []*ast.Term {
	var out []*ast.Term
	switch t := e.Terms.(type) {
	case *ast.Term:
		out = append(out, t)
	case []*ast.Term:
		out = append(out, t[1:]...)
	}
	for _, w := range e.With {
		out = append(out, w.Value)
	}
	return out
}

func isFalse(e *ast.Expr) bool {
	if !e.IsEquality() {
		return false
	}
	no := ast.Boolean(false)
	return e.Operand(0).Value.Compare(no) == 0 || e.Operand(1).Value.Compare(no) == 0
}

func (f *finder) mayBeMissing(one field) bool {
	if len(one.ref) <= one.each {
		return false
	}
	if one.each > 0 {
		known := len(one.ref) == one.each+1 && strings.HasPrefix(one.String(), "input.state.recent[_].")
		name, isText := one.ref[len(one.ref)-1].Value.(ast.String)
		return !known || !isText || !ofRecent[string(name)]
	}
	text := one.String()
	counter, isCounter := strings.CutPrefix(text, "input.state.counters.")
	return !always[text] && !(isCounter && f.counters[counter])
}

// arity is how many operands a function has beside its value; -1 if it is none.
func (f *finder) arity(op ast.Ref) int {
	if b := ast.BuiltinMap[op.String()]; b != nil {
		return arity(b)
	}
	for _, r := range f.compiler.GetRulesForVirtualDocument(op) {
		return len(r.Head.Args)
	}
	return -1
}

// rulesIn lists the rules that an expression refers to outside of comprehensions.
func (f *finder) rulesIn(e *ast.Expr) []*ast.Rule {
	var out []*ast.Rule
	ast.NewGenericVisitor(func(x any) bool {
		switch x := x.(type) {
		case *ast.ArrayComprehension, *ast.SetComprehension, *ast.ObjectComprehension, *ast.Every:
			return true
		case ast.Ref:
			if x.HasPrefix(ast.DefaultRootRef) {
				out = append(out, f.compiler.GetRulesForVirtualDocument(x)...)
			}
		}
		return false
	}).Walk(e)
	return out
}

func (f *finder) warn(at *ast.Location, message, hint string) {
	f.found = append(f.found, Diagnostic{
		Code: codeMissing, Severity: severityWarning, File: at.File, Line: at.Row, Column: at.Col,
		Message: message, Hint: hint,
	})
}
