package server_test

import (
	"net/http"
	"strings"
	"testing"
)

// Requests to the URLs of a function and of its alias are counted, by how they ended.
func TestURLMetrics(t *testing.T) {
	url := start(t)
	deploy(t, url, "page", `handle() { case $event in *'"rawPath":"/gone"'*) echo '{"statusCode":404}';; *'"rawPath":"/bad"'*) echo '{"statusCode":1000}';; *) echo 1;; esac; }`,
		`,"Publish":true`)
	create := func(path, body string) string {
		t.Helper()
		status, text := call(t, http.MethodPost, url+path, "lambda", "", body)
		if status != http.StatusCreated {
			t.Fatal(status, text)
		}
		return text
	}
	create("/2015-03-31/functions/page/aliases", `{"Name":"live","FunctionVersion":"1"}`)
	ask := func(qualifier string, requests map[string]int) {
		t.Helper()
		_, id, _ := strings.Cut(create("/2021-10-31/functions/page/url"+qualifier, `{"AuthType":"NONE"}`), `"FunctionUrl":"http://`)
		id, _, _ = strings.Cut(id, ".")
		for path, want := range requests {
			answer, err := http.Get(url + "/_millrace/lambda-url/" + id + path)
			if err != nil {
				t.Fatal(err)
			}
			if text := readAll(t, answer); answer.StatusCode != want {
				t.Errorf("%s: %d %s", path, answer.StatusCode, text)
			}
			answer.Body.Close()
		}
	}
	ask("", map[string]int{"/": 200, "/gone": 404, "/bad": 502})
	ask("?Qualifier=live", map[string]int{"/": 200})
	function, latest, live := []string{"FunctionName", "page"}, []string{"FunctionName", "page", "Resource", "page:$LATEST"}, []string{"FunctionName", "page", "Resource", "page:live"}
	for _, c := range []struct {
		metric       string
		dimensions   []string
		sum, samples float64 // a sum of -1 is any that is more than nothing
	}{
		{"UrlRequestCount", function, 4, 4},
		{"UrlRequestCount", latest, 3, 3},
		{"UrlRequestCount", live, 1, 1},
		{"Url4xxCount", function, 1, 4},
		{"Url4xxCount", latest, 1, 3},
		{"Url4xxCount", live, 0, 1},
		{"Url5xxCount", function, 1, 4},
		{"Url5xxCount", live, 0, 1},
		{"UrlRequestLatency", latest, -1, 3},
		{"UrlRequestCount", nil, 0, 0},
	} {
		eventually(t, c.metric+" "+strings.Join(c.dimensions, " "), func() bool {
			total, samples := sum(t, url, "AWS/Lambda", c.metric, c.dimensions...)
			return samples == c.samples && (total == c.sum || c.sum < 0 && total > 0)
		})
	}
}
