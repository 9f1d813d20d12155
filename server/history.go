package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/millrace/millrace/mapping"
	"github.com/millrace/millrace/mapping/history"
)

// How much one page of the history tells.
const (
	defaultBatches = 50
	maxBatches     = 200
	defaultRecords = 100
	maxRecords     = 1000
)

// historyPages are what is told of the batches of mappings.
func (s *Server) historyPages(mux *http.ServeMux) {
	mux.HandleFunc("GET /_millrace/mappings/{uuid}/batches", s.batchPages)
	mux.HandleFunc("GET /_millrace/mappings/{uuid}/batches/{id}", s.batchPage)
	mux.HandleFunc("GET /_millrace/mappings/{uuid}/discarded", s.discardedPages)
	mux.HandleFunc("GET /_millrace/mappings/{uuid}/discarded/{id}", s.discardedPage)
}

// query reads the parameters of a page, and remembers the first that is wrong.
type query struct {
	values url.Values
	err    error
}

func (q *query) refuse(name string, err error) {
	if q.err == nil && err != nil {
		q.err = fmt.Errorf("parameter %s: %w", name, err)
	}
}

func (q *query) number(name string, def, low, high int) int {
	text := q.values.Get(name)
	if text == "" {
		return def
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < low || n > high {
		q.refuse(name, fmt.Errorf("%q is not a number from %d to %d", text, low, high))
	}
	return n
}

func (q *query) id(name string) (id history.ID) {
	if text := q.values.Get(name); text != "" {
		q.refuse(name, id.UnmarshalText([]byte(text)))
	}
	return id
}

func (q *query) time(name string) (t time.Time) {
	if text := q.values.Get(name); text != "" {
		var err error
		t, err = time.Parse(time.RFC3339, text)
		q.refuse(name, err)
	}
	return t
}

func (q *query) outcome(name string) history.Outcome {
	text := history.Outcome(q.values.Get(name))
	if text != "" && !slices.Contains(history.Outcomes(), text) {
		q.refuse(name, fmt.Errorf("%q is none of %v", text, history.Outcomes()))
	}
	return text
}

// writeMissing answers for what is not there, or could not be read.
func writeMissing(w http.ResponseWriter, err error) {
	switch {
	case errors.Is(err, mapping.ErrNotFound):
		writePage(w, http.StatusNotFound, map[string]string{"error": "there is no such mapping"})
	case errors.Is(err, mapping.ErrNotKept):
		writePage(w, http.StatusNotFound, map[string]string{"error": "there is no such batch, or it has made room for later ones"})
	default:
		writePage(w, http.StatusInternalServerError, map[string]string{"error": err.Error()})
	}
}

func writeRefusal(w http.ResponseWriter, err error) {
	writePage(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
}

// batchPages lists recent batches, the latest first.
func (s *Server) batchPages(w http.ResponseWriter, r *http.Request) {
	q := query{values: r.URL.Query()}
	wanted := history.Query{
		ShardID: q.values.Get("shard"), Outcome: q.outcome("outcome"), Since: q.time("since"),
		Before: q.id("cursor"), Limit: q.number("limit", defaultBatches, 1, maxBatches),
	}
	if q.err != nil {
		writeRefusal(w, q.err)
		return
	}
	list, more, err := s.rooms.mappings.Batches(r.PathValue("uuid"), wanted)
	if err != nil {
		writeMissing(w, err)
		return
	}
	page := struct {
		Batches []history.Batch `json:"batches"`
		Cursor  history.ID      `json:"cursor,omitzero"` // for the next page
	}{Batches: append([]history.Batch{}, list...)}
	if more {
		page.Cursor = list[len(list)-1].ID
	}
	writePage(w, http.StatusOK, page)
}

func (s *Server) batchPage(w http.ResponseWriter, r *http.Request) {
	var id history.ID
	_ = id.UnmarshalText([]byte(r.PathValue("id"))) // what is no id names nothing
	batch, err := s.rooms.mappings.Batch(r.PathValue("uuid"), id)
	if err != nil {
		writeMissing(w, err)
		return
	}
	writePage(w, http.StatusOK, batch)
}

// discardedPages lists what is stored of discarded batches, the latest first.
func (s *Server) discardedPages(w http.ResponseWriter, r *http.Request) {
	q := query{values: r.URL.Query()}
	before, limit := q.id("cursor"), q.number("limit", defaultBatches, 1, maxBatches)
	if q.err != nil {
		writeRefusal(w, q.err)
		return
	}
	list, more, err := s.rooms.mappings.Discarded(r.Context(), r.PathValue("uuid"), before, limit)
	if err != nil {
		writeMissing(w, err)
		return
	}
	page := struct {
		Discarded []history.Discarded `json:"discarded"`
		Cursor    history.ID          `json:"cursor,omitzero"`
	}{Discarded: append([]history.Discarded{}, list...)}
	if more && len(list) > 0 {
		page.Cursor = list[len(list)-1].ID
	}
	writePage(w, http.StatusOK, page)
}

// discardedPage tells of one discarded batch, with records of it.
func (s *Server) discardedPage(w http.ResponseWriter, r *http.Request) {
	q := query{values: r.URL.Query()}
	from, limit := q.number("from", 0, 0, 1<<30), q.number("limit", defaultRecords, 1, maxRecords)
	if q.err != nil {
		writeRefusal(w, q.err)
		return
	}
	var id history.ID
	_ = id.UnmarshalText([]byte(r.PathValue("id"))) // what is no id names nothing
	d, records, state, err := s.rooms.mappings.DiscardedRecords(r.Context(), r.PathValue("uuid"), id, from, limit)
	if err != nil {
		writeMissing(w, err)
		return
	}
	page := struct {
		Discarded history.Discarded `json:"discarded"`
		From      int               `json:"from"`
		Records   []history.Record  `json:"records"`
		NextFrom  int               `json:"next_from,omitempty"` // where the next page begins, if there is one
		State     json.RawMessage   `json:"state,omitempty"`     // of the window whose final invocation was given up
	}{Discarded: d, From: from, Records: append([]history.Record{}, records...), State: state}
	if next := from + len(records); len(records) > 0 && next < d.Records {
		page.NextFrom = next
	}
	writePage(w, http.StatusOK, page)
}
