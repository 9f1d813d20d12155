package topic

import (
	"encoding/json"
	"errors"
	"math"
	"time"
)

// retryPolicy says when a delivery that failed is tried again: phases of retries, one after the other.
type retryPolicy struct {
	retries                    int // of all phases together
	immediate, before, backoff int // how many of them have no delay, the least delay, and a growing one
	least, most                time.Duration
	function                   string // how the delay grows
	contentType                string // of what is posted to a web server; "" takes the usual
	stated                     bool   // the retries are those of a policy
	overridable                bool   // a topic's: subscriptions may state their own
}

var (
	// managed is how AWS delivers to what is its own: over 23 days.
	managed = retryPolicy{
		retries: 100_015, immediate: 3, before: 2, backoff: 10, least: time.Second, most: 20 * time.Second, function: "exponential",
	}
	// web is how AWS delivers to web servers unless told otherwise.
	web = retryPolicy{retries: 3, least: 20 * time.Second, most: 20 * time.Second, function: "linear"}
)

// delay is how long to wait after so many attempts that failed, and whether there is another one.
func (p *retryPolicy) delay(attempts int) (time.Duration, bool) {
	n := attempts - 1 // of the retry, from 0 on
	switch {
	case n >= p.retries:
		return 0, false
	case n < p.immediate:
		return 0, true
	case n < p.immediate+p.before:
		return p.least, true
	case n < p.immediate+p.before+p.backoff:
		return p.grown(n-p.immediate-p.before, p.backoff), true
	}
	return p.most, true
}

// grown is the delay of one of the retries between the least and the most.
func (p *retryPolicy) grown(i, of int) time.Duration {
	if of < 2 {
		return p.least
	}
	share := float64(i) / float64(of-1)
	switch p.function {
	case "arithmetic":
		share = float64(i*(i+1)) / float64((of-1)*of)
	case "geometric":
		share *= share
	case "exponential":
		share = (math.Exp2(float64(i)) - 1) / (math.Exp2(float64(of-1)) - 1)
	}
	return p.least + time.Duration(share*float64(p.most-p.least))
}

// The documents of delivery policies.
type (
	healthyRetries struct {
		MinDelayTarget     *int   `json:"minDelayTarget"`
		MaxDelayTarget     *int   `json:"maxDelayTarget"`
		NumRetries         *int   `json:"numRetries"`
		NumMaxDelayRetries int    `json:"numMaxDelayRetries"`
		NumNoDelayRetries  int    `json:"numNoDelayRetries"`
		NumMinDelayRetries int    `json:"numMinDelayRetries"`
		BackoffFunction    string `json:"backoffFunction"`
	}
	requestForm struct {
		HeaderContentType string `json:"headerContentType"`
	}
	subscriptionDelivery struct {
		HealthyRetryPolicy *healthyRetries `json:"healthyRetryPolicy"`
		ThrottlePolicy     json.RawMessage `json:"throttlePolicy"`
		RequestPolicy      *requestForm    `json:"requestPolicy"`
	}
	topicDelivery struct {
		HTTP struct {
			DefaultHealthyRetryPolicy    *healthyRetries `json:"defaultHealthyRetryPolicy"`
			DisableSubscriptionOverrides bool            `json:"disableSubscriptionOverrides"`
			DefaultRequestPolicy         *requestForm    `json:"defaultRequestPolicy"`
			DefaultThrottlePolicy        json.RawMessage `json:"defaultThrottlePolicy"`
		} `json:"http"`
	}
)

var errDeliveryPolicy = errors.New("invalid delivery policy")

// contentTypes are what a web server can be told that it receives.
var contentTypes = map[string]bool{
	"application/json": true, "text/plain": true, "application/xml": true, "text/xml": true, "text/html": true, "text/csv": true,
	"application/x-www-form-urlencoded": true, "application/octet-stream": true,
	"application/soap+xml": true, "application/atom+xml": true, "application/rss+xml": true, "application/xhtml+xml": true,
	"text/plain; charset=UTF-8": true, "application/json; charset=UTF-8": true, "text/css": true, "text/javascript": true,
}

// readRetryPolicy reads the DeliveryPolicy of a subscription; "" means that there is none.
func readRetryPolicy(text string) (retryPolicy, error) {
	p := web
	if text == "" || text == "{}" {
		return p, nil
	}
	var d subscriptionDelivery
	if json.Unmarshal([]byte(text), &d) != nil || stated(d.ThrottlePolicy) {
		return p, errDeliveryPolicy
	}
	return p, p.read(d.HealthyRetryPolicy, d.RequestPolicy)
}

// readTopicPolicy reads that of a topic.
func readTopicPolicy(text string) (retryPolicy, error) {
	p := web
	p.overridable = true
	if text == "" || text == "{}" {
		return p, nil
	}
	var d topicDelivery
	if json.Unmarshal([]byte(text), &d) != nil || stated(d.HTTP.DefaultThrottlePolicy) {
		return p, errDeliveryPolicy
	}
	p.overridable = !d.HTTP.DisableSubscriptionOverrides
	return p, p.read(d.HTTP.DefaultHealthyRetryPolicy, d.HTTP.DefaultRequestPolicy)
}

// stated reports whether a member that is not carried out asks for anything.
func stated(raw json.RawMessage) bool {
	return len(raw) > 0 && string(raw) != "null" && string(raw) != "{}"
}

func (p *retryPolicy) read(retries *healthyRetries, request *requestForm) error {
	if request != nil && request.HeaderContentType != "" {
		if !contentTypes[request.HeaderContentType] {
			return errDeliveryPolicy
		}
		p.contentType = request.HeaderContentType
	}
	if retries == nil {
		return nil
	}
	p.stated = true
	least, most, total := orElse(retries.MinDelayTarget, 20), orElse(retries.MaxDelayTarget, 20), orElse(retries.NumRetries, 3)
	none, before, after := retries.NumNoDelayRetries, retries.NumMinDelayRetries, retries.NumMaxDelayRetries
	p.function = retries.BackoffFunction
	switch p.function {
	case "":
		p.function = "linear"
	case "linear", "arithmetic", "geometric", "exponential":
	default:
		return errDeliveryPolicy
	}
	if least < 1 || most < least || most > 3600 || total < 0 || total > 100 || min(none, before, after) < 0 || max(none, before, after) > 100 || none+before+after > total {
		return errDeliveryPolicy
	}
	p.retries, p.immediate, p.before, p.backoff = total, none, before, total-none-before-after
	p.least, p.most = time.Duration(least)*time.Second, time.Duration(most)*time.Second
	return p.bounded()
}

// bounded refuses what would take more than the hour that AWS allows.
func (p *retryPolicy) bounded() error {
	total := time.Duration(0)
	for i := range p.retries {
		wait, _ := p.delay(i + 1)
		total += wait
	}
	if total > time.Hour {
		return errDeliveryPolicy
	}
	return nil
}

func orElse(v *int, otherwise int) int {
	if v == nil {
		return otherwise
	}
	return *v
}

// retries is when a subscription's deliveries are tried again.
func (e *entry) retries(sub *Subscription) retryPolicy {
	if !sub.Web() {
		return managed
	}
	p, _ := readTopicPolicy(e.Attributes[DeliveryPolicy]) // both were judged when they were set
	own, _ := readRetryPolicy(sub.Attributes[DeliveryPolicy])
	if own.contentType == "" {
		own.contentType = p.contentType
	}
	if own.stated && p.overridable {
		return own
	}
	p.contentType = own.contentType
	return p
}
