package bench

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// line is a connection that sends one request again and again. It knows as much of HTTP as this server's answers need, and takes
// little of the processor that it shares with the server.
type line struct {
	conn    net.Conn
	answers *bufio.Reader
	request []byte
	answer  []byte
}

// lineTimeout bounds how long an answer may take.
const lineTimeout = time.Minute

// dial opens a line for a call of Kinesis.
func dial(ctx context.Context, url, operation string, body []byte) (*line, error) {
	return dialPath(ctx, url, "kinesis", "/", "Content-Type: application/x-amz-json-1.1\r\nX-Amz-Target: Kinesis_20131202."+operation+"\r\n", body)
}

// dialPath opens a line for a POST to a service; headers end each with a line's end.
func dialPath(ctx context.Context, url, service, path, headers string, body []byte) (*line, error) {
	host := strings.TrimPrefix(url, "http://")
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", host)
	if err != nil {
		return nil, err
	}
	head := fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: millrace-bench\r\n%s"+
		"X-Amz-Date: %s\r\nAuthorization: "+authorization+"\r\nContent-Length: %d\r\n\r\n",
		path, host, headers, time.Now().UTC().Format("20060102T150405Z"), service, len(body))
	return &line{conn: conn, answers: bufio.NewReaderSize(conn, 64<<10), request: append(head, body...)}, nil
}

func (l *line) close() { _ = l.conn.Close() }

// call sends the request and returns the body of the answer, which is valid until the next call.
func (l *line) call() ([]byte, error) {
	if err := l.conn.SetDeadline(time.Now().Add(lineTimeout)); err != nil {
		return nil, err
	}
	if _, err := l.conn.Write(l.request); err != nil {
		return nil, err
	}
	status, length := "", 0
	for {
		text, err := l.answers.ReadSlice('\n')
		if err != nil {
			return nil, err
		}
		text = bytes.TrimSpace(text)
		if len(text) == 0 {
			break
		}
		if status == "" {
			status = string(text)
		} else if name, value, _ := bytes.Cut(text, []byte(": ")); string(name) == "Content-Length" {
			if length, err = strconv.Atoi(string(value)); err != nil {
				return nil, err
			}
		}
	}
	if cap(l.answer) < length {
		l.answer = make([]byte, length)
	}
	l.answer = l.answer[:length]
	if _, err := io.ReadFull(l.answers, l.answer); err != nil {
		return nil, err
	}
	if status != "HTTP/1.1 200 OK" {
		return nil, fmt.Errorf("%s: %s", status, l.answer)
	}
	return l.answer, nil
}
