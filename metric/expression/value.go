package expression

import (
	"fmt"
	"math"
)

// Series is a number for some moments, which are in order, in seconds of Unix time.
type Series struct {
	Times  []int64
	Values []float64
	// Start, End and Period say which moments there could be: Start, Start + Period, and so on before End.
	Start, End, Period int64
}

// Value is a number, a series, or a list of series.
type Value struct {
	Number float64
	Series *Series
	List   []*Series
	kind   kind
}

type kind int

const (
	isNumber kind = iota
	isSeries
	isList
)

func numberValue(v float64) Value { return Value{Number: v, kind: isNumber} }
func seriesValue(s *Series) Value { return Value{Series: s, kind: isSeries} }
func listValue(l []*Series) Value { return Value{List: l, kind: isList} }
func (s *Series) like() *Series   { return &Series{Start: s.Start, End: s.End, Period: s.Period} }
func finite(v float64) bool       { return !math.IsNaN(v) && !math.IsInf(v, 0) }
func kindError(what string) error { return fmt.Errorf("%s: %w", what, ErrKind) }
func (s *Series) add(t int64, v float64) {
	if finite(v) {
		s.Times, s.Values = append(s.Times, t), append(s.Values, v)
	}
}

// Environment is what an expression may name.
type Environment interface {
	// Lookup returns the series of an id, or an error.
	Lookup(id string) (*Series, error)
	// Metrics returns the series of all metrics whose ids have the part, in the order of the request.
	Metrics(part string) ([]*Series, error)
}

// Evaluate returns the expression's series. ErrKind when it is a number or a list, or does with a value what cannot be
// done; else the environment's errors.
func (e *Expression) Evaluate(env Environment) (*Series, error) {
	v, err := e.root.value(env)
	if err != nil {
		return nil, err
	}
	if v.kind != isSeries {
		return nil, kindError("the result is not one time series")
	}
	return v.Series, nil
}

// node is a part of an expression.
type node interface {
	value(env Environment) (Value, error)
}

type constant float64

func (c constant) value(Environment) (Value, error) { return numberValue(float64(c)), nil }

type id string

func (i id) value(env Environment) (Value, error) {
	s, err := env.Lookup(string(i))
	return seriesValue(s), err
}

type metrics struct{ part string }

func (m metrics) value(env Environment) (Value, error) {
	all, err := env.Metrics(m.part)
	return listValue(all), err
}

type list []node

func (l list) value(env Environment) (Value, error) {
	var all []*Series
	for _, item := range l {
		v, err := item.value(env)
		switch {
		case err != nil:
			return Value{}, err
		case v.kind == isNumber:
			return Value{}, kindError("a list holds a number")
		case v.kind == isSeries:
			all = append(all, v.Series)
		default:
			all = append(all, v.List...)
		}
	}
	return listValue(all), nil
}
