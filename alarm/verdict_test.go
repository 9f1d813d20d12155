package alarm

import (
	"strings"
	"testing"
	"time"
)

// TestMissingData holds the tables of CloudWatch's documentation: five periods are read, of which three count; X breaches, 0 does
// not, - is missing. An empty state stays what it is.
func TestMissingData(t *testing.T) {
	for _, c := range []struct {
		periods    string
		datapoints int
		// by how missing data is treated
		missing, ignore, breaching, notBreaching State
	}{
		{"0 - X - X", 3, OK, OK, OK, OK},
		{"0 - - - -", 3, OK, OK, OK, OK},
		{"- - - - -", 3, Unknown, "", Alarming, OK},
		{"0 X X - X", 3, Alarming, Alarming, Alarming, Alarming},
		{"- - X - -", 3, Alarming, "", Alarming, OK},
		{"0 - X - X", 2, Alarming, Alarming, Alarming, Alarming},
		{"0 0 X 0 X", 2, Alarming, Alarming, Alarming, Alarming},
		{"0 - X - -", 2, OK, OK, Alarming, OK},
		{"- - - - 0", 2, OK, OK, Alarming, OK},
		{"- - - X -", 2, Alarming, "", Alarming, OK},
	} {
		for treatment, want := range map[string]State{"": c.missing, "missing": c.missing, "ignore": c.ignore, "breaching": c.breaching, "notBreaching": c.notBreaching} {
			d := Definition{Periods: 3, Datapoints: c.datapoints, Threshold: 1, Comparison: "GreaterThanOrEqualToThreshold", Missing: treatment}
			var values []Value
			for i, word := range strings.Fields(c.periods) {
				switch word {
				case "X":
					values = append(values, Value{time.Unix(int64(60*i), 0), 1})
				case "0":
					values = append(values, Value{time.Unix(int64(60*i), 0), 0})
				}
			}
			if got, _, _ := d.verdict(values); got != want {
				t.Errorf("%s, %d of 3, %q: %q and not %q", c.periods, c.datapoints, treatment, got, want)
			}
		}
	}
}

func TestComparisons(t *testing.T) {
	for comparison, want := range map[string]string{
		"GreaterThanThreshold": "001", "GreaterThanOrEqualToThreshold": "011", "LessThanThreshold": "100", "LessThanOrEqualToThreshold": "110",
	} {
		for i, v := range []float64{0, 1, 2} {
			if got := comparisons[comparison].breaches(v, 1); got != (want[i] == '1') {
				t.Errorf("%v %s 1: %v", v, comparison, got)
			}
		}
	}
	if Comparable("GreaterThanUpperThreshold") {
		t.Error("a band is no threshold")
	}
}

func TestReasons(t *testing.T) {
	d := Definition{Periods: 3, Datapoints: 2, Threshold: 1, Comparison: "GreaterThanThreshold"}
	at := time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		values  []Value
		missing string
		before  State
		want    string
	}{
		{[]Value{{at, 5}, {at.Add(time.Minute), 0.5}, {at.Add(2 * time.Minute), 2}}, "", OK, "Threshold Crossed: 2 out of the last 3 datapoints " +
			"[2.0 (01/08/26 12:02:00), 0.5 (01/08/26 12:01:00), 5.0 (01/08/26 12:00:00)] were greater than the threshold (1.0) (minimum 2 datapoints for OK -> ALARM transition)."},
		{[]Value{{at, 1}, {at, 1}, {at, 2}}, "", Alarming, "Threshold Crossed: 2 out of the last 3 datapoints " +
			"[2.0 (01/08/26 12:00:00), 1.0 (01/08/26 12:00:00), 1.0 (01/08/26 12:00:00)] were not greater than the threshold (1.0) (minimum 2 datapoints for ALARM -> OK transition)."},
		{nil, "", OK, "Insufficient Data: 3 datapoints were unknown."},
		{nil, "breaching", OK, "Threshold Crossed: no datapoints were received for 3 periods and 3 missing datapoints were treated as [Breaching]."},
	} {
		d.Missing = c.missing
		state, breaching, missing := d.verdict(c.values)
		if got := d.reason(state, c.before, c.values, breaching, missing); got != c.want {
			t.Errorf("\n got %s\nwant %s", got, c.want)
		}
	}
}
