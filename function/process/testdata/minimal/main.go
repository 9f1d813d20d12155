// Command minimal is the least that can be a function: it answers every event with the event, over one connection.
package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"os"
	"strconv"
)

func main() {
	conn, err := net.Dial("tcp", os.Getenv("AWS_LAMBDA_RUNTIME_API"))
	if err != nil {
		panic(err)
	}
	r := bufio.NewReaderSize(conn, 64<<10)
	w := bufio.NewWriterSize(conn, 64<<10)
	for {
		fmt.Fprint(w, "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n")
		header, body := exchange(w, r)
		fmt.Fprintf(w, "POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n",
			header.Get("Lambda-Runtime-Aws-Request-Id"), len(body))
		_, _ = w.Write(body)
		exchange(w, r)
	}
}

func exchange(w *bufio.Writer, r *bufio.Reader) (textproto.MIMEHeader, []byte) {
	if err := w.Flush(); err != nil {
		panic(err)
	}
	text := textproto.NewReader(r)
	if _, err := text.ReadLine(); err != nil {
		panic(err)
	}
	header, err := text.ReadMIMEHeader()
	if err != nil {
		panic(err)
	}
	length, err := strconv.Atoi(header.Get("Content-Length"))
	if err != nil {
		panic(err)
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(r, body); err != nil {
		panic(err)
	}
	return header, body
}
