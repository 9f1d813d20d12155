package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"
)

// maxSubscriptionBytes bounds the document of a subscription.
const maxSubscriptionBytes = 64 << 10

// Subscription is who subscribed to what.
type Subscription struct {
	// API is "telemetry" or "logs", Name the extension's.
	API, Name string
	// State is "Subscribed" or "Already subscribed".
	State string
	Types []string
}

// subscriptionRequest is what an extension asks for.
type subscriptionRequest struct {
	SchemaVersion string      `json:"schemaVersion"`
	Types         []string    `json:"types"`
	Buffering     *buffering  `json:"buffering"`
	Destination   destination `json:"destination"`
}

// subscribe takes a subscription to one of the APIs.
func (s *Server) subscribe(w http.ResponseWriter, r *http.Request, api telemetryAPI, word string) {
	e := s.identified(w, r, "")
	if e == nil {
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxSubscriptionBytes))
	if err != nil {
		refuseSubscription(w, "Failed to read request body: "+err.Error())
		return
	}
	added, asked, err := s.addSubscriber(e.name, api, body)
	switch {
	case errors.Is(err, errSubscriptionsClosed):
		refuse(w, http.StatusForbidden, api.name+".SubscriptionClosed", api.name+" API subscription is closed already")
		return
	case err != nil:
		refuseSubscription(w, err.Error())
		return
	}
	if s.function.Subscribed != nil {
		state := "Subscribed"
		if !added {
			state = "Already subscribed"
		}
		s.function.Subscribed(Subscription{API: word, Name: e.name, State: state, Types: asked.Types})
	}
	write(w, http.StatusOK, []byte(`"OK"`))
}

// destinationError says why nothing can be sent to a destination.
type destinationError struct{ err error }

func (e *destinationError) Error() string { return "Invalid destination: " + e.err.Error() }

func refuseSubscription(w http.ResponseWriter, message string) {
	refuse(w, http.StatusBadRequest, "ValidationError", message)
}

func (s *Server) addSubscriber(name string, api telemetryAPI, body []byte) (added bool, asked subscriptionRequest, err error) {
	if err := json.Unmarshal(body, &asked); err != nil {
		return false, asked, fmt.Errorf("failed to parse JSON: %w", err)
	}
	limits, err := asked.check(api)
	if err != nil {
		return false, asked, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	send, err := asked.Destination.connect(ctx)
	if err != nil {
		cancel()
		return false, asked, &destinationError{err}
	}
	sub := &subscriber{
		api: api, name: name, schema: asked.SchemaVersion, types: map[string]bool{}, limits: limits, send: send,
		ctx: ctx, cancel: cancel, wake: make(chan struct{}, 1),
	}
	for _, t := range asked.Types {
		sub.types[t] = true
	}
	if added, err = s.relay.subscribe(sub); !added {
		cancel()
	}
	return added, asked, err
}

// check judges what was asked for, and fills in what was not said.
func (q subscriptionRequest) check(api telemetryAPI) (buffering, error) {
	b := buffering{MaxItems: 10000, MaxBytes: 256 << 10, TimeoutMs: 1000}
	if !slices.Contains(api.schemas, q.SchemaVersion) {
		return b, fmt.Errorf("schemaVersion must be one of %q", api.schemas)
	}
	if len(q.Types) == 0 {
		return b, errors.New("types must not be empty")
	}
	for _, t := range q.Types {
		if !slices.Contains([]string{"platform", "function", "extension"}, t) {
			return b, fmt.Errorf("types must be platform, function or extension, not %q", t)
		}
	}
	if q.Buffering == nil {
		return b, nil
	}
	for _, f := range []struct {
		name       string
		to         *int
		given      int
		least, top int
	}{
		{"maxItems", &b.MaxItems, q.Buffering.MaxItems, 1000, 10000},
		{"maxBytes", &b.MaxBytes, q.Buffering.MaxBytes, 256 << 10, 1 << 20},
		{"timeoutMs", &b.TimeoutMs, q.Buffering.TimeoutMs, 25, 30000},
	} {
		switch {
		case f.given == 0:
		case f.given < f.least || f.given > f.top:
			return b, fmt.Errorf("buffering.%s must be from %d to %d", f.name, f.least, f.top)
		default:
			*f.to = f.given
		}
	}
	return b, nil
}

// Publish tells those who have subscribed to it. It does not block.
func (s *Server) Publish(t Telemetry) { s.relay.publish(t) }

// FlushTelemetry has everything sent to the subscribers that they have not been sent yet, and waits for that, but no longer than d.
func (s *Server) FlushTelemetry(d time.Duration) { s.relay.flush(d) }
