package dispatch

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
)

type oracleReply struct {
	oracleAnswer
	Answers []oracleReply `json:"answers"`
	diagnosed
	Failure string `json:"failure"`
}

// String is the values, or the place or else the message of the error.
func (r oracleReply) String() string {
	switch {
	case r.Failure != "":
		return r.Failure
	case r.Error != nil && r.Error.File != "":
		return fmt.Sprintf("%s:%d:%d", r.Error.File, r.Error.Line, r.Error.Column)
	case r.Error != nil:
		return r.Error.Message
	case len(r.Diagnostics) > 0:
		return r.Diagnostics[0].Message
	}
	values := []any{}
	for _, one := range r.Results {
		values = append(values, one.Value)
	}
	b, _ := json.Marshal(values)
	return string(b)
}

func TestOracleAnswersEachInputForItself(t *testing.T) {
	one, two, bad := `{"x": 1}`, `{"x": [2, 3]}`, `{"x": "a"}`
	got := ask[oracleReply](t, Request{
		Op: "oracle", Query: "y := input.x; abs(y)", Inputs: []*string{&one, &bad, nil, &two, &one}, Strict: true,
		Imports: []string{"data.a"},
	})
	var texts []string
	for _, a := range got.Answers {
		texts = append(texts, a.String())
	}
	if want := []string{"[1]", "query:1:15", "[]", "query:1:15", "[1]"}; !reflect.DeepEqual(texts, want) {
		t.Errorf("want %v, got %v", want, got)
	}
	if got := ask[oracleReply](t, Request{Op: "oracle", Query: "1", Inputs: []*string{}}); got.Answers == nil || len(got.Answers) > 0 {
		t.Errorf("got %+v", got)
	}
	broken := "{"
	if got := ask[oracleReply](t, Request{Op: "oracle", Query: "1", Inputs: []*string{&one, &broken}}); got.Failure == "" {
		t.Errorf("got %+v", got)
	}
	if got := ask[oracleReply](t, Request{Op: "oracle", Query: "nope(1)", Inputs: []*string{&one}}); got.Error == nil {
		t.Errorf("got %+v", got)
	}
}

func TestOracleKeepsDigitsAndSets(t *testing.T) {
	for _, row := range []struct{ query, input, value, term string }{
		{"input", `12345678901234567890123`, `12345678901234567890123`, `12345678901234567890123`},
		{"input.x + 1", `{"x": 9007199254740993}`, `9007199254740994`, `9007199254740994`},
		{"input", `1e400`, `1e400`, `1e400`},
		{"input", `1.50`, `1.50`, `1.50`},
		{"{input, 1}", `"a"`, `[1,"a"]`, `{1, "a"}`},
		{"set()", `null`, `[]`, `set()`},
		{"{{1, 2}: [null, true]}", `null`, `{"[1,2]":[null,true]}`, `{{1, 2}: [null, true]}`},
		{"x := 1", `null`, `true`, `true`},
		{"data.n", `null`, `9007199254740993`, `9007199254740993`},
	} {
		got := ask[struct {
			Results []struct {
				Value    json.RawMessage            `json:"value"`
				Bindings map[string]json.RawMessage `json:"bindings"`
				Term     string                     `json:"term"`
				Terms    map[string]string          `json:"binding_terms"`
			} `json:"results"`
		}](t, Request{
			Op: "oracle", Query: "y := 9007199254740993; " + row.query, Input: json.RawMessage(row.input), Terms: true,
			Data: json.RawMessage(`{"n": 9007199254740993}`),
		})
		if len(got.Results) != 1 {
			t.Errorf("%s: %+v", row.query, got)
			continue
		}
		one := got.Results[0]
		if string(one.Value) != row.value || one.Term != row.term || string(one.Bindings["y"]) != "9007199254740993" || one.Terms["y"] != "9007199254740993" {
			t.Errorf("%s of %s: %s %s %s", row.query, row.input, one.Value, one.Term, one.Bindings)
		}
	}
	if got := ask[oracleReply](t, Request{Op: "oracle", Query: "1"}); got.Results[0].Term != "" || got.Results[0].BindingTerms != nil {
		t.Errorf("terms that nobody asked for: %+v", got)
	}
}
