// Command waiting is a function that waits, at the address that WAIT_AT names, until the connection is closed. It speaks the
// Runtime API without a library, so that an instance has little memory of its own.
package main

import (
	"io"
	"net"
	"net/http"
	"os"
	"strings"
)

func main() {
	api := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/"
	for {
		event, err := http.Get(api + "next")
		if err != nil {
			panic(err)
		}
		_, _ = io.Copy(io.Discard, event.Body)
		event.Body.Close()
		if c, err := net.Dial("tcp", os.Getenv("WAIT_AT")); err == nil {
			_, _ = io.Copy(io.Discard, c)
			c.Close()
		}
		answer, err := http.Post(api+event.Header.Get("Lambda-Runtime-Aws-Request-Id")+"/response", "application/json", strings.NewReader("null"))
		if err != nil {
			panic(err)
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
	}
}
