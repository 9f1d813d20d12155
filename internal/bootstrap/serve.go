package bootstrap

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
)

// What belongs to an invocation, as AWS names it.
const (
	requestIDHeader = "Lambda-Runtime-Aws-Request-Id"
	errorTypeHeader = "Lambda-Runtime-Function-Error-Type"
)

// Function takes an event, which it may use until it returns, and answers it. An error is the invocation's, and the next one comes all the same.
type Function func(event []byte) (answer []byte, err error)

// Taking returns the function that decodes its events and answers null.
func Taking[E any](take func(E) error) Function {
	return func(text []byte) ([]byte, error) {
		var event E
		if err := json.Unmarshal(text, &event); err != nil {
			return nil, err
		}
		return []byte("null"), take(event)
	}
}

// Serve invokes f with each event of the Runtime API that this process was started with, one after the other. It returns
// the error by which the runtime has gone away.
//
// It stands in for lambda.Start of aws-lambda-go, which links net/rpc for a runtime that is no more. That asks types for
// their methods by reflection, and then the linker keeps every exported method of every type: a fifth of this program.
func Serve(f Function) error {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil // the runtime is on this machine, whatever the function's environment says
	api := runtimeAPI{
		url:    "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/",
		client: &http.Client{Transport: transport},
		event:  new(bytes.Buffer),
	}
	defer api.client.CloseIdleConnections()
	for {
		id, event, err := api.next()
		if err != nil {
			return err
		}
		answer, err := f(event)
		if err != nil {
			err = api.fail(id, err)
		} else {
			err = api.post(id+"/response", answer, nil)
		}
		if err != nil {
			return err
		}
	}
}

// runtimeAPI is the side of the Runtime API that functions call.
type runtimeAPI struct {
	url    string
	client *http.Client
	event  *bytes.Buffer // the current one; its memory serves all
}

// next waits for an invocation.
func (a runtimeAPI) next() (id string, event []byte, err error) {
	response, err := a.client.Get(a.url + "next")
	if err != nil {
		return "", nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return "", nil, fmt.Errorf("next invocation: %s", response.Status)
	}
	a.event.Reset()
	_, err = a.event.ReadFrom(response.Body)
	return response.Header.Get(requestIDHeader), a.event.Bytes(), err
}

// fail answers an invocation with an error, in the form and with the type that aws-lambda-go gives it, and logs it as that does.
func (a runtimeAPI) fail(id string, failure error) error {
	kind := reflect.TypeOf(failure)
	if kind.Kind() == reflect.Pointer {
		kind = kind.Elem()
	}
	body, err := json.Marshal(map[string]string{"errorMessage": failure.Error(), "errorType": kind.Name()})
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%s\n", body)
	return a.post(id+"/error", body, http.Header{errorTypeHeader: {kind.Name()}})
}

func (a runtimeAPI) post(path string, body []byte, header http.Header) error {
	request, err := http.NewRequest(http.MethodPost, a.url+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	if header != nil {
		request.Header = header
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := a.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusAccepted {
		return fmt.Errorf("%s: %s", path, response.Status)
	}
	_, err = io.Copy(io.Discard, response.Body) // so that the connection can be used again
	return err
}
