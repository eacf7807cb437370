package dispatch

import (
	"strings"
	"testing"
)

type buildAnswer struct {
	built
	diagnosed
	Failure string `json:"failure"`
}

func TestBuildHasTestsWhereAsked(t *testing.T) {
	files := map[string]string{
		"p.rego":      "package countersign.p\n\nx := to_number(input.n)\n\ntest_inside if x == 1 with input as {\"n\": \"1\"}\n",
		"p_test.rego": "package countersign.p_test\n\nimport data.countersign.p\n\ntest_outside if p.x == 2 with input as {\"n\": \"2\"}\n",
	}
	for _, c := range []struct {
		name  string
		tests bool
		entry string
		want  string
	}{
		{"a rule", false, "countersign/p/x", ""},
		{"a test rule without tests", false, "countersign/p/test_inside", "names no rule"},
		{"a test file's rule without tests", false, "countersign/p_test/test_outside", "names no rule"},
		{"a test rule", true, "countersign/p/test_inside", ""},
		{"a test file's rule", true, "countersign/p_test/test_outside", ""},
	} {
		got := ask[buildAnswer](t, Request{Op: "build", Files: files, Entrypoints: []string{c.entry}, Tests: c.tests})
		if got.Failure != "" {
			t.Errorf("%s: %s", c.name, got.Failure)
		}
		if c.want != "" {
			if len(got.Diagnostics) != 1 || !strings.Contains(got.Diagnostics[0].Message, c.want) {
				t.Errorf("%s: want %q, got %v", c.name, c.want, got.Diagnostics)
			}
			continue
		}
		if len(got.Diagnostics) > 0 || len(got.Wasm) == 0 || !strings.Contains(got.Plan, c.entry) {
			t.Errorf("%s: got %v", c.name, got.Diagnostics)
		}
	}
}
