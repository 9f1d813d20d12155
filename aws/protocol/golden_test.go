package protocol_test

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"github.com/millrace/millrace/aws/wiretest"
)

// TestWire sends each request of testdata/*.txt as it stands and compares the whole answer. Each file is a topic, each pair of
// sections a rule.
//
// A body that begins with 0x is hexadecimal; answers in CBOR are shown in its diagnostic notation.
//
// In requests, "AUTH" stands for a complete Authorization header. Content-Length is added. In answers, header lines
// are sorted, ids are masked, and Date and Connection left out.
func TestWire(t *testing.T) {
	server := httptest.NewServer(newHandler(slog.New(slog.DiscardHandler)))
	defer server.Close()
	address := server.Listener.Addr().String()
	wiretest.Run(t, "testdata/*.txt", func(t *testing.T, s *wiretest.Story) {
		s.Play(t, nil, func(request string) string { return exchange(t, address, []byte(request)) })
	})
}

const auth = "Authorization: AWS4-HMAC-SHA256 Credential=123456789012/20260101/eu-west-1/kinesis/aws4_request, SignedHeaders=host, Signature=0f\r\nX-Amz-Date: 20260101T000000Z"

// exchange sends a request written as text, with lines ended by newlines, and writes the answer the same way.
func exchange(t *testing.T, address string, request []byte) string {
	t.Helper()
	head, body, _ := bytes.Cut(request, []byte("\n\n"))
	body = bytes.TrimRight(body, "\n")
	if digits, ok := bytes.CutPrefix(body, []byte("0x")); ok {
		body = make([]byte, hex.DecodedLen(len(digits)))
		if _, err := hex.Decode(body, digits); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	for line := range strings.Lines(strings.TrimRight(string(head), "\n") + "\n") {
		line = strings.TrimRight(line, "\n")
		if line == "AUTH" {
			line = auth
		}
		b.WriteString(line + "\r\n")
	}
	b.WriteString("Host: localhost:4566\r\nConnection: close\r\n")
	if !bytes.Contains(head, []byte("Content-Length:")) && !bytes.Contains(head, []byte("chunked")) {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(body))
	}
	b.WriteString("\r\n")
	b.Write(body)
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write(b.Bytes()); err != nil {
		t.Fatal(err)
	}
	return mask(t, conn)
}

var (
	requestID = regexp.MustCompile(`^x-amzn-RequestId: ([0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})$`)
	longID    = regexp.MustCompile(`^x-amz-id-2: [A-Za-z0-9+/]{96}$`)
)

// mask reads an answer and takes out what differs from time to time, after having judged its form.
func mask(t *testing.T, from io.Reader) string {
	t.Helper()
	r := bufio.NewReader(from)
	var lines []string
	id, date, inCBOR := "", false, false
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if line = strings.TrimRight(line, "\r\n"); line == "" {
			break
		}
		switch {
		case strings.HasPrefix(line, "Date: "):
			date = true
			continue
		case line == "Connection: close":
			continue
		case strings.HasPrefix(line, "Content-Type:") && strings.Contains(line, "cbor"):
			inCBOR = true
		case requestID.MatchString(line):
			id = requestID.FindStringSubmatch(line)[1]
			line = "x-amzn-RequestId: ID"
		case longID.MatchString(line):
			line = "x-amz-id-2: ID"
		}
		lines = append(lines, line)
	}
	if !date {
		t.Error("answer without Date")
	}
	slices.Sort(lines[1:])
	body, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if id != "" {
		body = bytes.ReplaceAll(body, []byte(id), []byte("ID"))
	}
	text := strings.Join(lines, "\n") + "\n\n"
	if inCBOR && len(body) > 0 {
		notation, err := cbor.Diagnose(body)
		if err != nil {
			t.Fatal(err)
		}
		return text + notation + "\n"
	}
	if len(body) > 0 {
		text += printable(body) + "\n"
	}
	return text
}

// printable keeps text as it is, marking a newline at its end, and writes other bytes as a Go string.
func printable(body []byte) string {
	s := string(body)
	if strings.ContainsFunc(s, func(c rune) bool { return c < 0x20 && c != '\n' || c == 0xfffd }) {
		return fmt.Sprintf("%q", s)
	}
	if strings.HasSuffix(s, "\n") {
		s += "(newline at end)"
	}
	return s
}
