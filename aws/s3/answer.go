package s3

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"strconv"
)

const namespace = "http://s3.amazonaws.com/doc/2006-03-01/"

// maxDocument bounds the documents that requests hold.
const maxDocument = 4 << 20

// answer writes an answer without a body.
func (q *request) answer(status int) {
	q.status = status
	if status != http.StatusNoContent && status != http.StatusNotModified {
		q.w.Header().Set("Content-Length", "0")
	}
	q.w.WriteHeader(status)
}

// document writes an answer whose body is a document, with quotes as AWS writes them. A HEAD has the headers alone.
func (q *request) document(status int, v any) {
	body := bytes.NewBufferString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n")
	if err := xml.NewEncoder(body).Encode(v); err != nil {
		panic(err) // the documents of this package can be written
	}
	text := bytes.ReplaceAll(bytes.ReplaceAll(body.Bytes(), []byte("&#34;"), []byte("&quot;")), []byte("&#39;"), []byte("'"))
	h := q.w.Header()
	h.Set("Content-Type", "application/xml")
	q.status = status
	if q.Method == http.MethodHead {
		q.w.WriteHeader(status)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(text)))
	q.w.WriteHeader(status)
	_, _ = q.w.Write(text) // a client that has left needs no answer
}

// readDocument reads the document of a request, and checks what the client says of its bytes. Without a body it returns
// false.
func (q *request) readDocument(v any) (bool, error) {
	u, err := q.upload()
	if err != nil {
		return false, err
	}
	text, err := io.ReadAll(io.LimitReader(u, maxDocument+1))
	if err != nil {
		return false, err
	}
	if len(text) > maxDocument {
		return false, &failure{code: "MalformedXML"}
	}
	if _, err := u.seal(); err != nil {
		return false, err
	}
	if len(text) == 0 {
		return false, nil
	}
	if err := xml.Unmarshal(text, v); err != nil {
		return false, &failure{code: "MalformedXML"}
	}
	return true, nil
}

// isEnd reports whether a body has ended before its time.
func isEnd(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) }
