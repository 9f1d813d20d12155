package wiretest

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
)

var rewrite = flag.Bool("rewrite", false, "write the answers into testdata instead of comparing; read the difference before keeping it")

// Story is a golden file.
type Story struct {
	Name    string // of the file, without folder and ending
	Opening string // what stands before the first request
	archive *txtar.Archive
}

// Run calls play for each file that the pattern names, in a test of its own.
func Run(t *testing.T, pattern string, play func(*testing.T, *Story)) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no files %s: %v", pattern, err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		t.Run(name, func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			play(t, &Story{name, string(archive.Comment), archive})
			if *rewrite {
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// Exchange is a pair of sections.
type Exchange struct{ Name, Request, Answer string }

var (
	mark  = regexp.MustCompile(`\[(AWS|PEER|OPEN)\]$`)
	after = regexp.MustCompile(`^after (\S+): `)
)

// Each calls visit for each request in turn, and pass before it where time has to. Where pass is nil, time cannot.
func (s *Story) Each(t testing.TB, pass func(time.Duration), visit func(Exchange)) {
	t.Helper()
	s.each(t, pass, func(e Exchange, _ *txtar.File) { visit(e) })
}

// Play holds what exchange makes of each request against the answer that the story has.
func (s *Story) Play(t testing.TB, pass func(time.Duration), exchange func(request string) string) {
	t.Helper()
	s.each(t, pass, func(e Exchange, answer *txtar.File) {
		t.Helper()
		got := exchange(e.Request)
		if *rewrite {
			answer.Data = []byte(got)
		} else if got != e.Answer {
			t.Errorf("%s\n--- got\n%s--- want\n%s", e.Name, got, e.Answer)
		}
	})
}

func (s *Story) each(t testing.TB, pass func(time.Duration), visit func(Exchange, *txtar.File)) {
	t.Helper()
	if len(s.archive.Files)%2 != 0 { // a request that -rewrite shall answer
		s.archive.Files = append(s.archive.Files, txtar.File{Name: "answer"})
	}
	if len(s.archive.Files) == 0 {
		t.Fatal("a story without requests")
	}
	for i := 0; i < len(s.archive.Files); i += 2 {
		request, answer := s.archive.Files[i], &s.archive.Files[i+1]
		if answer.Name != "answer" || !mark.MatchString(request.Name) {
			t.Fatalf("section %q wants a mark and an answer", request.Name)
		}
		if found := after.FindStringSubmatch(request.Name); found != nil {
			d, err := time.ParseDuration(found[1])
			if err != nil || pass == nil {
				t.Fatalf("section %q: no time passes: %v", request.Name, err)
			}
			pass(d)
		}
		visit(Exchange{request.Name, string(request.Data), string(answer.Data)}, answer)
	}
}

// Sleep lets time pass in a bubble of synctest, until everybody rests.
func Sleep(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}
