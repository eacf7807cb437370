// The peer of the benchmark: OPA's own evaluator in process, prepared once. It reads one JSON command a line and
// answers each with one JSON line; only the work that a command names is timed, never the protocol.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/util"
	"github.com/open-policy-agent/opa/v1/version"
)

type command struct {
	Op      string            `json:"op"`
	Query   string            `json:"query"`
	Modules map[string]string `json:"modules"`
	// Data is JSON text; empty where the policy has no documents.
	Data string `json:"data"`
	// Inputs are JSON texts.
	Inputs []string `json:"inputs"`
	// Mode is what a measured evaluation starts from: "text", "value" (a Go value) or "parsed" (an ast.Value).
	Mode  string `json:"mode"`
	Count int    `json:"count"`
}

type decision struct {
	Deny []any `json:"deny"`
	Hold []any `json:"hold"`
}

type answer struct {
	Error     string     `json:"error,omitempty"`
	OPA       string     `json:"opa,omitempty"`
	Go        string     `json:"go,omitempty"`
	LoadMs    float64    `json:"load_ms,omitempty"`
	Decisions []decision `json:"decisions,omitempty"`
	Values    []any      `json:"values,omitempty"`
	Nanos     []int64    `json:"nanos,omitempty"`
}

// peer is one loaded policy with its inputs in each of the forms that an evaluation may start from.
type peer struct {
	query  rego.PreparedEvalQuery
	texts  []string
	values []any
	parsed []ast.Value
	// next is the input that the next measured evaluation takes, so that rounds go on where the last one ended.
	next int
}

func main() {
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := json.NewEncoder(os.Stdout)
	var p *peer
	for {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		var c command
		var a answer
		if err = json.Unmarshal(line, &c); err == nil {
			a, err = run(&p, &c)
		}
		if err != nil {
			a = answer{Error: err.Error()}
		}
		if err := out.Encode(a); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

func run(p **peer, c *command) (answer, error) {
	if c.Op == "version" {
		return answer{OPA: version.Version, Go: runtime.Version()}, nil
	}
	if c.Op == "load" {
		*p = nil
		runtime.GC()
		start := time.Now()
		loaded, err := load(c)
		if err != nil {
			return answer{}, err
		}
		*p = loaded
		return answer{LoadMs: float64(time.Since(start).Microseconds()) / 1e3}, nil
	}
	if *p == nil {
		return answer{}, errors.New("no policy is loaded")
	}
	switch c.Op {
	case "decisions":
		return (*p).decisions()
	case "values":
		return (*p).results()
	case "measure":
		return (*p).measure(c.Mode, c.Count)
	}
	return answer{}, fmt.Errorf("unknown op %q", c.Op)
}

func load(c *command) (*peer, error) {
	options := []func(*rego.Rego){rego.Query(c.Query)}
	for name, text := range c.Modules {
		options = append(options, rego.Module(name, text))
	}
	if c.Data != "" {
		options = append(options, rego.Store(inmem.NewFromReader(strings.NewReader(c.Data))))
	}
	query, err := rego.New(options...).PrepareForEval(context.Background())
	if err != nil {
		return nil, err
	}
	p := &peer{query: query, texts: c.Inputs}
	for _, text := range c.Inputs {
		var value any
		if err := util.UnmarshalJSON([]byte(text), &value); err != nil {
			return nil, err
		}
		parsed, err := ast.ValueFromReader(strings.NewReader(text))
		if err != nil {
			return nil, err
		}
		p.values = append(p.values, value)
		p.parsed = append(p.parsed, parsed)
	}
	return p, nil
}

func (p *peer) decisions() (answer, error) {
	a := answer{}
	for i := range p.texts {
		v, err := p.value("text", i)
		if err != nil {
			return a, err
		}
		d, err := decisionOf(v)
		if err != nil {
			return a, err
		}
		a.Decisions = append(a.Decisions, d)
	}
	return a, nil
}

func (p *peer) results() (answer, error) {
	a := answer{}
	for i := range p.texts {
		v, err := p.value("text", i)
		if err != nil {
			return a, err
		}
		a.Values = append(a.Values, v)
	}
	return a, nil
}

func (p *peer) measure(mode string, count int) (answer, error) {
	nanos := make([]int64, count)
	for i := range nanos {
		at := p.next
		p.next = (p.next + 1) % len(p.texts)
		start := time.Now()
		_, err := p.value(mode, at)
		nanos[i] = time.Since(start).Nanoseconds()
		if err != nil {
			return answer{}, err
		}
	}
	return answer{Nanos: nanos}, nil
}

// value evaluates one input and gives the result as a Go value, as any caller takes it.
func (p *peer) value(mode string, i int) (any, error) {
	var option rego.EvalOption
	switch mode {
	case "text":
		var value any
		if err := util.UnmarshalJSON([]byte(p.texts[i]), &value); err != nil {
			return nil, err
		}
		option = rego.EvalInput(value)
	case "value":
		option = rego.EvalInput(p.values[i])
	case "parsed":
		option = rego.EvalParsedInput(p.parsed[i])
	default:
		return nil, fmt.Errorf("unknown mode %q", mode)
	}
	results, err := p.query.Eval(context.Background(), option)
	if err != nil {
		return nil, err
	}
	if len(results) != 1 {
		return nil, errors.New("the query is undefined")
	}
	return results[0].Expressions[0].Value, nil
}

func decisionOf(value any) (decision, error) {
	sets, ok := value.(map[string]any)
	if !ok {
		return decision{}, errors.New("expected an object")
	}
	deny, denies := sets["deny"].([]any)
	hold, holds := sets["hold"].([]any)
	if !denies || !holds {
		return decision{}, errors.New("expected the sets deny and hold")
	}
	return decision{Deny: deny, Hold: hold}, nil
}
