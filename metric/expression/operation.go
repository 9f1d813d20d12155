package expression

// operation is + - * or / between two values.
type operation struct {
	operator    byte
	left, right node
}

func (o operation) value(env Environment) (Value, error) {
	left, err := o.left.value(env)
	if err != nil {
		return Value{}, err
	}
	right, err := o.right.value(env)
	if err != nil {
		return Value{}, err
	}
	switch {
	case left.kind == isList && right.kind == isList:
		return Value{}, kindError("an operator stands between two lists")
	case left.kind == isList:
		return o.each(left.List, func(s *Series) Value { return o.pair(seriesValue(s), right) }), nil
	case right.kind == isList:
		return o.each(right.List, func(s *Series) Value { return o.pair(left, seriesValue(s)) }), nil
	}
	return o.pair(left, right), nil
}

func (o operation) each(all []*Series, apply func(*Series) Value) Value {
	results := make([]*Series, len(all))
	for i, s := range all {
		results[i] = apply(s).Series
	}
	return listValue(results)
}

// pair works on numbers and series.
func (o operation) pair(a, b Value) Value {
	switch {
	case a.kind == isNumber && b.kind == isNumber:
		return numberValue(o.apply(a.Number, b.Number))
	case a.kind == isNumber:
		result := b.Series.like()
		for i, t := range b.Series.Times {
			result.add(t, o.apply(a.Number, b.Series.Values[i]))
		}
		return seriesValue(result)
	case b.kind == isNumber:
		result := a.Series.like()
		for i, t := range a.Series.Times {
			result.add(t, o.apply(a.Series.Values[i], b.Number))
		}
		return seriesValue(result)
	}
	result := a.Series.like()
	if b.Series.Period > result.Period {
		result = b.Series.like()
	}
	for i, j := 0, 0; i < len(a.Series.Times) && j < len(b.Series.Times); {
		switch t, u := a.Series.Times[i], b.Series.Times[j]; {
		case t < u:
			i++
		case t > u:
			j++
		default:
			result.add(t, o.apply(a.Series.Values[i], b.Series.Values[j]))
			i++
			j++
		}
	}
	return seriesValue(result)
}

func (o operation) apply(a, b float64) float64 {
	switch o.operator {
	case '+':
		return a + b
	case '-':
		return a - b
	case '*':
		return a * b
	}
	return a / b
}
