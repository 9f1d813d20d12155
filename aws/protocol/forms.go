package protocol

import (
	"net/http"
	"net/url"

	"github.com/millrace/millrace/aws/protocol/jsonwire"
	"github.com/millrace/millrace/aws/protocol/query"
	"github.com/millrace/millrace/aws/signature"
)

// elementOutput is an output that can be written as XML; generated types of query services implement it.
type elementOutput interface{ AppendXML(b []byte) []byte }

// isForm reports whether the request is of the query protocol.
func (x *exchange) isForm() bool {
	if len(x.forms) == 0 {
		return false
	}
	return x.contentType == typeForm || x.r.URL.RawQuery != "" && x.r.URL.Query().Has("Action")
}

// serveQuery answers a request of the query protocol: a form in the body, or parameters in the URL.
func (x *exchange) serveQuery() {
	x.protocol = Query
	x.service = x.forms[0] // until it is known better, for the namespace of errors
	limit := int64(0)
	for _, s := range x.forms {
		limit = max(limit, s.MaxBodyBytes)
	}
	if x.r.Method != http.MethodPost && x.r.Method != http.MethodGet {
		x.write(http.StatusForbidden, "", []byte(denied))
		return
	}
	if !x.load(limit) {
		return
	}
	params, ok := x.parameters()
	if !ok {
		x.fail(&Error{Code: "MalformedQueryString", Status: http.StatusNotFound, Message: "The query string contains a syntax error."})
		return
	}
	action := params.Get("Action")
	if action == "" {
		x.fail(&Error{Code: "MissingAction", Message: "The request must contain the parameter Action."})
		return
	}
	s := x.formService(params)
	x.serve(s, x.operations[s][action], Query)
	if x.away() {
		return
	}
	if x.op == nil {
		x.fail(&Error{Code: "InvalidAction", Message: "The action " + action + " is not valid for this endpoint."})
		return
	}
	if int64(len(x.body.bytes)) > x.limit() {
		x.tooLarge(x.limit())
		return
	}
	if x.identify(x.r.URL.Query()) {
		x.runQuery(params)
	}
}

// parameters are those of the URL and of the form together; the form's come first.
func (x *exchange) parameters() (url.Values, bool) {
	params, err := url.ParseQuery(x.r.URL.RawQuery)
	if err != nil {
		return nil, false
	}
	if x.contentType != typeForm {
		return params, true
	}
	form, err := url.ParseQuery(string(x.body.bytes))
	if err != nil {
		return nil, false
	}
	for name, values := range params {
		if !form.Has(name) {
			form[name] = values
		}
	}
	return form, true
}

// formService finds the service by the credential scope, else by the version, else by the action, as in the links that SNS
// sends around, which have neither; else it takes the first.
func (x *exchange) formService(params url.Values) *Service {
	scope := signature.ScopeService(x.r, params)
	for _, s := range x.forms {
		if s.Name == scope {
			return s
		}
	}
	for _, s := range x.forms {
		if s.QueryVersion == params.Get("Version") {
			return s
		}
	}
	for _, s := range x.forms {
		if x.operations[s][params.Get("Action")] != nil {
			return s
		}
	}
	return x.forms[0]
}

func (x *exchange) runQuery(params url.Values) {
	if member := x.service.QueryPathMember; member != "" && !params.Has(member) && len(pathParts(x.r.URL.Path)) == 2 {
		params.Set(member, x.call.Scheme+"://"+x.r.Host+x.r.URL.Path)
	}
	in := x.op.new()
	doc := jsonwire.NewReader(query.Document(params, x.op.Query))
	in.Decode(doc)
	doc.End()
	x.run(in, nil, doc)
}

func (x *exchange) succeedQuery(out Output) {
	b := append(borrow(smallAnswer), xmlHeader...)
	b = append(b, '<')
	b = append(b, x.op.Name...)
	b = append(b, `Response xmlns="`...)
	b = append(b, x.service.XMLNamespace...)
	b = append(b, '"', '>')
	if o, ok := out.(elementOutput); ok {
		b = query.Open(b, x.op.Name+"Result")
		b = o.AppendXML(b)
		b = query.Shut(b, x.op.Name+"Result")
	}
	b = query.Open(b, "ResponseMetadata")
	b = query.AppendString(b, "RequestId", x.call.RequestID)
	b = query.Shut(b, "ResponseMetadata")
	b = query.Shut(b, x.op.Name+"Response")
	x.write(http.StatusOK, typeXML, b)
	giveBack(b)
}

const xmlHeader = `<?xml version="1.0"?>`

// failQuery writes an error of the query protocol, which has names of its own for some.
func (x *exchange) failQuery(e *Error) {
	shape, _ := x.service.shape(e)
	code, message := e.Code, e.Message
	if code == codeSerialization {
		code = "MalformedInput"
	}
	if shape.QueryCode != "" {
		code = shape.QueryCode
	}
	if shape.QueryStatus != 0 && e.Status == 0 {
		shape.Status = shape.QueryStatus
	}
	side := "Sender"
	if shape.Status >= 500 {
		side = "Receiver"
	}
	b := append(make([]byte, 0, 512), xmlHeader...)
	b = append(b, `<ErrorResponse xmlns="`+x.service.XMLNamespace+`"><Error>`...)
	b = query.AppendString(b, "Type", side)
	b = query.AppendString(b, "Code", code)
	if message != "" {
		b = query.AppendString(b, "Message", message)
	}
	if x.service.QueryDetail {
		b = append(b, "<Detail/>"...)
	}
	b = append(b, "</Error>"...)
	b = query.AppendString(b, "RequestId", x.call.RequestID)
	b = append(b, "</ErrorResponse>"...)
	x.write(shape.Status, typeXML, b)
}
