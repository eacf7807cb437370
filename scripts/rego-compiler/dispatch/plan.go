package dispatch

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/ir"
	"github.com/open-policy-agent/opa/v1/rego"
)

type planned struct {
	// Plan is RFC 8785 text. Its one plan gives a set of objects, one for each result, with a member for each variable.
	Plan string `json:"plan"`
	// Builtins names those that the plan calls.
	Builtins    []string     `json:"builtins"`
	Expressions []expression `json:"expressions"`
}

// expression is one that the author wrote, in the query's order.
type expression struct {
	Text   string `json:"text"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	// Binding is the member of a result that holds the expression's value; without one the value is true.
	Binding string `json:"binding,omitempty"`
}

// planQuery makes OPA's plan of a query over the sources as they are written, with no document below data known.
func planQuery(r *Request) (any, error) {
	caps := sourceCapabilities(ast.CapabilitiesExperimentalKeywords(r.ExperimentalKeywords))
	modules, ds := parse(r.Files, caps)
	q, more := parseQuestion(r, caps)
	ds = append(ds, more...)
	if r.AllBuiltins {
		ds = append(ds, laxProblems(modules)...)
	} else {
		a := allow(r.HostBuiltins)
		ds = slices.Concat(ds, refusals(modules, a), q.refusals(a))
	}
	if len(ds) > 0 {
		return diagnosed{sorted(ds)}, nil
	}
	c := newCompiler(caps).WithStrict(r.Strict).WithEnablePrintStatements(false).WithEvalMode(ast.EvalModeIR)
	c.Compile(modules)
	if c.Failed() {
		return diagnosed{sorted(diagnose(c.Errors, ""))}, nil
	}
	answer := &planner{names: len(q.body)}
	ctx := context.WithValue(context.Background(), plannerKey{}, answer)
	prepared, err := rego.New(append(q.options(caps), rego.Compiler(c), rego.Target(planTarget))...).PrepareForEval(ctx)
	if err != nil {
		return diagnosed{sorted(ofTheAuthor(diagnose(err, queryFile)))}, nil
	}
	raw, err := json.Marshal(answer.policy)
	if err != nil {
		return nil, err
	}
	plan, err := canonicalPlan(raw)
	if err != nil {
		return nil, err
	}
	expressions, err := expressionsOf(ctx, prepared)
	if err != nil {
		return nil, err
	}
	return planned{plan, builtinsOf(answer.policy), expressions}, nil
}

// ofTheAuthor leaves out what OPA says of its own variables where it says the same of the author's.
func ofTheAuthor(ds []Diagnostic) []Diagnostic {
	own := slices.DeleteFunc(slices.Clone(ds), func(d Diagnostic) bool { return strings.Contains(d.Message, " var "+termPrefix) })
	if len(own) == 0 {
		return ds
	}
	return own
}

func builtinsOf(p *ir.Policy) []string {
	out := []string{}
	for _, b := range p.Static.BuiltinFuncs {
		out = append(out, b.Name)
	}
	slices.Sort(out)
	return out
}

// expressionsOf has OPA evaluate the query with the planner's result, in which each value is its own name.
func expressionsOf(ctx context.Context, prepared rego.PreparedEvalQuery) ([]expression, error) {
	set, err := prepared.Eval(ctx)
	if err != nil || len(set) != 1 {
		return nil, fmt.Errorf("the query's expressions are unknown: %w", err)
	}
	out := []expression{}
	for _, e := range set[0].Expressions {
		one := expression{Text: e.Text}
		if e.Location != nil {
			one.Line, one.Column = e.Location.Row, e.Location.Col
		}
		one.Binding, _ = e.Value.(string)
		out = append(out, one)
	}
	return out, nil
}

// planTarget is a target of package rego that plans a query and evaluates nothing.
const planTarget = "countersign.plan"

// termPrefix starts the names of the members that OPA adds to a result for the values of expressions: ^term1 and so on.
const termPrefix = "^term"

func init() { rego.RegisterPlugin(planTarget, planPlugin{}) }

type planPlugin struct{}

type plannerKey struct{}

// planner takes the plan out of package rego, which gives it to targets alone.
type planner struct {
	policy *ir.Policy
	names  int
}

func (planPlugin) IsTarget(name string) bool { return name == planTarget }

func (planPlugin) PrepareForEval(ctx context.Context, p *ir.Policy, _ ...rego.PrepareOption) (rego.TargetPluginEval, error) {
	out, ok := ctx.Value(plannerKey{}).(*planner)
	if !ok {
		return nil, fmt.Errorf("the target %s is for planning only", planTarget)
	}
	out.policy = p
	return out, nil
}

// Eval gives one result, in which each name that OPA may have given to an expression's value stands for itself.
func (p *planner) Eval(context.Context, *rego.EvalContext, ast.Value) (ast.Value, error) {
	result := ast.NewObject()
	for i := range p.names {
		name := ast.StringTerm(fmt.Sprint(termPrefix, i+1))
		result.Insert(name, name)
	}
	return ast.NewSet(ast.NewTerm(result)), nil
}
