package alarm

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Value is the value of a period.
type Value struct {
	Time  time.Time // when the period began
	Value float64
}

// extraPeriods is how many periods more than an alarm looks at are read, so that what is missing can be made up for by what is
// older.
const extraPeriods = 2

// comparisons say which values breach, and how that is put into words.
var comparisons = map[string]struct {
	breaches func(v, threshold float64) bool
	words    string
}{
	"GreaterThanOrEqualToThreshold": {func(v, t float64) bool { return v >= t }, "greater than or equal to"},
	"GreaterThanThreshold":          {func(v, t float64) bool { return v > t }, "greater than"},
	"LessThanThreshold":             {func(v, t float64) bool { return v < t }, "less than"},
	"LessThanOrEqualToThreshold":    {func(v, t float64) bool { return v <= t }, "less than or equal to"},
}

// Comparable reports whether a comparison is one with a threshold that stands still.
func Comparable(comparison string) bool {
	_, ok := comparisons[comparison]
	return ok
}

// verdict says what the values of the last periods mean, the oldest first; missing periods are not among them. The state is empty
// when it is to stay what it is.
func (d *Definition) verdict(values []Value) (s State, breaching, missing int) {
	values = values[max(0, len(values)-d.Periods):]
	missing = d.Periods - len(values)
	for _, v := range values {
		if comparisons[d.Comparison].breaches(v.Value, d.Threshold) {
			breaching++
		}
	}
	alarm := breaching >= d.Datapoints
	switch {
	case alarm:
		return Alarming, breaching, missing
	case missing == 0, d.Missing == "notBreaching":
		return OK, breaching, missing
	case d.Missing == "breaching":
		if breaching+missing >= d.Datapoints {
			return Alarming, breaching, missing
		}
		return OK, breaching, missing
	case breaching < len(values): // one that is not is enough
		return OK, breaching, missing
	case d.Missing == "ignore":
		return "", breaching, missing
	case len(values) == 0:
		return Unknown, breaching, missing
	}
	return Alarming, breaching, missing // all that there is breaches
}

// reason puts a verdict into words, as AWS does.
func (d *Definition) reason(s, before State, values []Value, breaching, missing int) string {
	values = values[max(0, len(values)-d.Periods):]
	if len(values) == 0 {
		if s == Unknown {
			return fmt.Sprintf("Insufficient Data: %s unknown.", counted(d.Periods, "datapoint", "was", "were"))
		}
		as := "NonBreaching"
		if d.Missing == "breaching" {
			as = "Breaching"
		}
		return fmt.Sprintf("Threshold Crossed: no datapoints were received for %s and %s treated as [%s].",
			counted(d.Periods, "period", "", ""), counted(missing, "missing datapoint", "was", "were"), as)
	}
	told := make([]string, len(values))
	for i := range values { // the newest first
		v := values[len(values)-1-i]
		told[i] = number(v.Value) + " (" + v.Time.UTC().Format("02/01/06 15:04:05") + ")"
	}
	n, was, not := breaching, "was", ""
	if s != Alarming {
		n, not = len(values)-breaching, "not "
	}
	if n != 1 {
		was = "were"
	}
	least := d.Datapoints
	if s != Alarming {
		least = d.Periods - d.Datapoints + 1
	}
	text := fmt.Sprintf("Threshold Crossed: %d out of the last %d datapoints [%s] %s %s%s the threshold (%s)",
		n, len(values), strings.Join(told, ", "), was, not, comparisons[d.Comparison].words, number(d.Threshold))
	return text + fmt.Sprintf(" (minimum %s for %s -> %s transition).", counted(least, "datapoint", "", ""), before, s)
}

func counted(n int, what, one, many string) string {
	verb := one
	if n != 1 {
		what, verb = what+"s", many
	}
	return strings.TrimSpace(fmt.Sprint(n, " ", what, " ", verb))
}

// number writes a number as AWS does, always with a fraction.
func number(v float64) string {
	text := strconv.FormatFloat(v, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}

// awsTime is the form of times in what AWS tells of alarms.
const awsTime = "2006-01-02T15:04:05.000-0700"

// reasonData is the reason for programs.
func (d *Definition) reasonData(values []Value, from, now time.Time) string {
	values = values[max(0, len(values)-d.Periods):]
	recent := make([]float64, len(values))
	for i, v := range values {
		recent[i] = v.Value
	}
	data := struct {
		Version   string    `json:"version"`
		Queried   string    `json:"queryDate"`
		Start     string    `json:"startDate,omitempty"`
		Statistic string    `json:"statistic,omitempty"`
		Period    int       `json:"period"`
		Recent    []float64 `json:"recentDatapoints"`
		Threshold float64   `json:"threshold"`
	}{"1.0", now.UTC().Format(awsTime), from.UTC().Format(awsTime), "", int(d.Period() / time.Second), recent, d.Threshold}
	if d.Simple {
		data.Statistic = d.Queries[0].Stat
	}
	text, err := json.Marshal(data)
	if err != nil {
		return "" // numbers that are finite always marshal
	}
	return string(text)
}
