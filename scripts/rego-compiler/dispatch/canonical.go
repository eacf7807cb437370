package dispatch

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

// integerMax is the largest integer that RFC 8785 carries without rounding.
const integerMax = 1<<53 - 1

// canonicalPlan gives the plan as RFC 8785 text. OPA writes integers of up to 64 bits as JSON numbers; one that would
// be rounded becomes a reference to a string constant, which the plan has for other large numbers anyway.
func canonicalPlan(raw []byte) (string, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var plan map[string]any
	if err := d.Decode(&plan); err != nil {
		return "", fmt.Errorf("the plan is not JSON: %w", err)
	}
	static, ok := plan["static"].(map[string]any)
	if !ok {
		return "", fmt.Errorf("the plan has no static part")
	}
	widen(plan, static)
	var s strings.Builder
	if err := canonical(&s, plan); err != nil {
		return "", err
	}
	return s.String(), nil
}

func widen(node any, static map[string]any) {
	switch n := node.(type) {
	case []any:
		for _, x := range n {
			widen(x, static)
		}
	case map[string]any:
		if n["type"] == "MakeNumberIntStmt" {
			widenNumber(n, static)
			return
		}
		for _, k := range slices.Sorted(maps.Keys(n)) { // Sorted, so that the constants come in one order.
			widen(n[k], static)
		}
	}
}

func widenNumber(statement, static map[string]any) {
	body, ok := statement["stmt"].(map[string]any)
	if !ok {
		return
	}
	value, ok := body["value"].(json.Number)
	if !ok {
		return
	}
	if i, err := value.Int64(); err == nil && i <= integerMax && i >= -integerMax {
		return
	}
	constants, _ := static["strings"].([]any)
	delete(body, "value")
	body["Index"] = json.Number(strconv.Itoa(len(constants)))
	statement["type"] = "MakeNumberRefStmt"
	static["strings"] = append(constants, map[string]any{"value": value.String()})
}

func canonical(s *strings.Builder, node any) error {
	switch n := node.(type) {
	case nil:
		s.WriteString("null")
	case bool:
		s.WriteString(strconv.FormatBool(n))
	case json.Number:
		i, err := n.Int64()
		if err != nil || i > integerMax || i < -integerMax {
			return fmt.Errorf("the plan holds the number %s, which RFC 8785 rounds", n)
		}
		s.WriteString(strconv.FormatInt(i, 10))
	case string:
		quote(s, n)
	case []any:
		s.WriteByte('[')
		for i, x := range n {
			if i > 0 {
				s.WriteByte(',')
			}
			if err := canonical(s, x); err != nil {
				return err
			}
		}
		s.WriteByte(']')
	case map[string]any:
		s.WriteByte('{')
		for i, k := range slices.SortedFunc(maps.Keys(n), compareUTF16) {
			if i > 0 {
				s.WriteByte(',')
			}
			quote(s, k)
			s.WriteByte(':')
			if err := canonical(s, n[k]); err != nil {
				return err
			}
		}
		s.WriteByte('}')
	default:
		return fmt.Errorf("the plan holds a %T", n)
	}
	return nil
}

// quote writes a string as ECMAScript's JSON.stringify does (RFC 8785 section 3.2.2.2).
func quote(s *strings.Builder, text string) {
	s.WriteByte('"')
	for _, r := range text {
		switch r {
		case '"', '\\':
			s.WriteByte('\\')
			s.WriteRune(r)
		case '\b':
			s.WriteString(`\b`)
		case '\t':
			s.WriteString(`\t`)
		case '\n':
			s.WriteString(`\n`)
		case '\f':
			s.WriteString(`\f`)
		case '\r':
			s.WriteString(`\r`)
		default:
			if r < 0x20 {
				fmt.Fprintf(s, `\u%04x`, r)
			} else {
				s.WriteRune(r)
			}
		}
	}
	s.WriteByte('"')
}

func compareUTF16(a, b string) int {
	return slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b)))
}
