package policy_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/millrace/millrace/identity/policy"
)

const (
	own   = "111111111111"
	other = "222222222222"
	user  = "arn:aws:iam::111111111111:user/ann"
)

var ann = policy.Principal{Account: own, ARN: user}

var session = policy.Principal{
	Account: own, ARN: "arn:aws:sts::111111111111:assumed-role/worker/job", Role: "arn:aws:iam::111111111111:role/worker",
}

// read makes a policy of statements: of each its members, with the effect in front.
func read(t testing.TB, kind policy.Kind, statements ...string) *policy.Document {
	t.Helper()
	if len(statements) == 0 || statements[0] == "" {
		return nil
	}
	var all []string
	for _, s := range statements {
		effect, rest, _ := strings.Cut(s, " ")
		all = append(all, fmt.Sprintf(`{"Effect":"%s",%s}`, effect, rest))
	}
	d, err := policy.Parse(`{"Version":"2012-10-17","Statement":[`+strings.Join(all, ",")+`]}`, kind)
	if err != nil {
		t.Fatalf("%s: %v", all, err)
	}
	return d
}

const everything = `Allow "Action":"*","Resource":"*"`

func TestEvaluate(t *testing.T) {
	const stream = "arn:aws:kinesis:eu-west-1:111111111111:stream/orders"
	put := func(who policy.Principal) policy.Request {
		return policy.Request{Principal: who, Action: "kinesis:PutRecord", Resource: stream, Owner: own}
	}
	stranger := policy.Principal{Account: other, ARN: "arn:aws:iam::222222222222:user/bob"}
	lambda := policy.Principal{Service: "lambda.amazonaws.com"}
	granting := func(principal string) string {
		return `Allow "Principal":` + principal + `,"Action":"kinesis:PutRecord","Resource":"` + stream + `"`
	}
	for _, c := range []struct {
		name                          string
		who                           policy.Principal
		identity, boundary, scopeDown string
		resource                      string
		trust                         bool
		want                          policy.Reason
	}{
		{"nothing", ann, "", "", "", "", false, policy.NotInIdentity},
		{"allowed", ann, everything, "", "", "", false, policy.Allowed},
		{"allowed exactly", ann, `Allow "Action":"kinesis:PutRecord","Resource":"` + stream + `"`, "", "", "", false, policy.Allowed},
		{"letters of actions do not matter", ann, `Allow "Action":"KINESIS:putrecord","Resource":"*"`, "", "", "", false, policy.Allowed},
		{"wildcards", ann, `Allow "Action":"kinesis:Put*","Resource":"arn:aws:kinesis:*:*:stream/ord?rs"`, "", "", "", false, policy.Allowed},
		{"another action", ann, `Allow "Action":"kinesis:Get*","Resource":"*"`, "", "", "", false, policy.NotInIdentity},
		{"another resource", ann, `Allow "Action":"*","Resource":"arn:aws:kinesis:*:*:stream/bills"`, "", "", "", false, policy.NotInIdentity},
		{"a wildcard stays in its segment", ann, `Allow "Action":"*","Resource":"arn:aws:kin*:stream/orders"`, "", "", "", false, policy.NotInIdentity},
		{"not this action", ann, `Allow "NotAction":"kinesis:Get*","Resource":"*"`, "", "", "", false, policy.Allowed},
		{"just not this action", ann, `Allow "NotAction":"kinesis:Put*","Resource":"*"`, "", "", "", false, policy.NotInIdentity},
		{"not this resource", ann, `Allow "Action":"*","NotResource":"arn:aws:kinesis:*:*:stream/bills"`, "", "", "", false, policy.Allowed},
		{"just not this resource", ann, `Allow "Action":"*","NotResource":"arn:aws:kinesis:*:*:stream/*"`, "", "", "", false, policy.NotInIdentity},
		{"denied", ann, `Deny "Action":"kinesis:*","Resource":"*"`, "", "", granting(`{"AWS":"` + user + `"}`), false, policy.DeniedByIdentity},
		{"within the boundary", ann, everything, everything, "", "", false, policy.Allowed},
		{"beyond the boundary", ann, everything, `Allow "Action":"s3:*","Resource":"*"`, "", "", false, policy.NotInBoundary},
		{"a boundary gives nothing", ann, "", everything, "", "", false, policy.NotInIdentity},
		{"denied by the boundary", ann, everything, `Deny "Action":"*","Resource":"*"`, "", "", false, policy.DeniedByBoundary},
		{"within the session", session, everything, "", everything, "", false, policy.Allowed},
		{"beyond the session", session, everything, "", `Allow "Action":"s3:*","Resource":"*"`, "", false, policy.NotInSession},
		{"denied by the session", session, everything, "", `Deny "Action":"*","Resource":"*"`, "", false, policy.DeniedBySession},
		{"granted to the user", ann, "", "", "", granting(`{"AWS":"` + user + `"}`), false, policy.Allowed},
		{"granted to the user beyond its boundary", ann, "", `Allow "Action":"s3:*","Resource":"*"`, "", granting(`{"AWS":"` + user + `"}`), false, policy.Allowed},
		{"granted to the account alone", ann, "", "", "", granting(`{"AWS":"` + own + `"}`), false, policy.NotInIdentity},
		{"granted to the role", session, "", "", "", granting(`{"AWS":"arn:aws:iam::111111111111:role/worker"}`), false, policy.Allowed},
		{"granted to the role beyond its session", session, "", "", `Allow "Action":"s3:*","Resource":"*"`, granting(`{"AWS":"arn:aws:iam::111111111111:role/worker"}`), false, policy.NotInSession},
		{"granted to the session", session, "", "", `Allow "Action":"s3:*","Resource":"*"`, granting(`{"AWS":"arn:aws:sts::111111111111:assumed-role/worker/job"}`), false, policy.Allowed},
		{"granted to everyone", ann, "", "", "", granting(`"*"`), false, policy.Allowed},
		{"denied by the resource", ann, everything, "", "", `Deny "Principal":"*","Action":"*","Resource":"*"`, false, policy.DeniedByResource},
		{"denied by the resource to others", ann, everything, "", "", `Deny "Principal":{"AWS":"222222222222"},"Action":"*","Resource":"*"`, false, policy.Allowed},
		{"denied to all but one", ann, everything, "", "", `Deny "NotPrincipal":{"AWS":"` + user + `"},"Action":"*","Resource":"*"`, false, policy.Allowed},
		{"denied to all but another", ann, everything, "", "", `Deny "NotPrincipal":{"AWS":"arn:aws:iam::111111111111:user/bob"},"Action":"*","Resource":"*"`, false, policy.DeniedByResource},
		{"a stranger with leave of one side", stranger, everything, "", "", "", false, policy.NotInResource},
		{"a stranger with leave of the other", stranger, "", "", "", granting(`{"AWS":"222222222222"}`), false, policy.NotInIdentity},
		{"a stranger with both", stranger, everything, "", "", granting(`{"AWS":"222222222222"}`), false, policy.Allowed},
		{"a stranger by name still needs its own", stranger, "", "", "", granting(`{"AWS":"arn:aws:iam::222222222222:user/bob"}`), false, policy.NotInIdentity},
		{"a service without leave", lambda, everything, "", "", "", false, policy.NotInResource},
		{"a service", lambda, "", "", "", granting(`{"Service":"lambda.amazonaws.com"}`), false, policy.Allowed},
		{"a service, with everybody", lambda, "", "", "", granting(`{"AWS":"*"}`), false, policy.Allowed},
		{"a service that is denied with everybody", lambda, "", "", "", `Deny "Principal":{"AWS":"*"},"Action":"*","Resource":"*"`, false, policy.DeniedByResource},
		{"the end of an ARN is left off", ann, `Allow "Action":"*","Resource":"arn:aws:kinesis"`, "", "", "", false, policy.Allowed},
		{"the end of another ARN is left off", ann, `Allow "Action":"*","Resource":"arn:aws:kinesis:us-east-1"`, "", "", "", false, policy.NotInIdentity},
		{"another service", lambda, "", "", "", granting(`{"Service":"sns.amazonaws.com"}`), false, policy.NotInResource},
		{"root", policy.Principal{Account: own, ARN: "arn:aws:iam::111111111111:root", Root: true}, "", "", "", "", false, policy.Allowed},
		{"root of another account", policy.Principal{Account: other, ARN: "arn:aws:iam::222222222222:root", Root: true}, "", "", "", "", false, policy.NotInResource},
		{"root that a resource denies", policy.Principal{Account: own, ARN: "arn:aws:iam::111111111111:root", Root: true}, "", "", "", `Deny "Principal":"*","Action":"*","Resource":"*"`, false, policy.DeniedByResource},
		{"not trusted", ann, everything, "", "", granting(`{"AWS":"222222222222"}`), true, policy.NotInResource},
		{"trusted by account", ann, everything, "", "", granting(`{"AWS":"arn:aws:iam::111111111111:root"}`), true, policy.Allowed},
		{"trusted by account, without leave", ann, "", "", "", granting(`{"AWS":"arn:aws:iam::111111111111:root"}`), true, policy.NotInIdentity},
		{"trusted by name", ann, "", "", "", granting(`{"AWS":"` + user + `"}`), true, policy.Allowed},
	} {
		p := policy.Policies{
			Boundary: read(t, policy.Identity, c.boundary), Session: read(t, policy.Identity, c.scopeDown),
			Resource: read(t, policy.Resource, c.resource), Trust: c.trust,
		}
		if c.identity != "" {
			p.Identity = []*policy.Document{read(t, policy.Identity, c.identity)}
		}
		if got := policy.Evaluate(put(c.who), p); got != c.want {
			t.Errorf("%s: %d%s", c.name, got, got.Because("kinesis:PutRecord"))
		}
	}
}

// Conditions by operator: whether they hold of keys.
func TestConditions(t *testing.T) {
	keys := map[string][]string{
		"aws:username": {"ann"}, "aws:sourceip": {"10.1.2.3"}, "aws:currenttime": {"2026-01-02T12:00:00Z"}, "aws:epochtime": {"1767355200"},
		"aws:securetransport": {"false"}, "aws:tagkeys": {"team", "cost"}, "s3:max-keys": {"10"}, "aws:sourcearn": {"arn:aws:sns:us-east-1:1:topic"},
		"aws:star": {"*"}, "aws:umlaut": {"ä"},
	}
	for condition, want := range map[string]bool{
		`"StringEquals":{"aws:username":"ann"}`:                                       true,
		`"StringEquals":{"AWS:UserName":["bob","ann"]}`:                               true,
		`"StringEquals":{"aws:username":"Ann"}`:                                       false,
		`"StringEquals":{"aws:username":"a*"}`:                                        false,
		`"StringEquals":{"aws:star":"*"}`:                                             true,
		`"StringEquals":{"aws:absent":"ann"}`:                                         false,
		`"StringEqualsIfExists":{"aws:absent":"ann"}`:                                 true,
		`"StringEqualsIfExists":{"aws:username":"bob"}`:                               false,
		`"StringNotEquals":{"aws:username":"bob"}`:                                    true,
		`"StringNotEquals":{"aws:username":["bob","ann"]}`:                            false,
		`"StringNotEquals":{"aws:absent":"bob"}`:                                      true,
		`"StringEqualsIgnoreCase":{"aws:username":"ANN"}`:                             true,
		`"StringNotEqualsIgnoreCase":{"aws:username":"ANN"}`:                          false,
		`"StringLike":{"aws:username":"a?n"}`:                                         true,
		`"StringNotLike":{"aws:username":"${aws:absent}*"}`:                           false,
		`"StringLike":{"aws:star":"??"}`:                                              false,
		`"StringLike":{"aws:umlaut":"?"}`:                                             true,
		`"StringLike":{"aws:umlaut":"*?"}`:                                            true,
		`"StringLike":{"aws:umlaut":"??"}`:                                            false,
		`"StringLike":{"aws:username":"b*"}`:                                          false,
		`"StringNotLike":{"aws:username":"b*"}`:                                       true,
		`"StringLike":{"aws:username":"${aws:username}"}`:                             true,
		`"StringLike":{"aws:username":"${aws:absent}"}`:                               false,
		`"StringLike":{"aws:username":"${aws:absent, 'ann'}"}`:                        true,
		`"StringLike":{"aws:username":"${*}"}`:                                        false,
		`"StringLike":{"aws:star":"${*}"}`:                                            true,
		`"NumericEquals":{"s3:max-keys":10}`:                                          true,
		`"NumericLessThan":{"s3:max-keys":"10"}`:                                      false,
		`"NumericLessThanEquals":{"s3:max-keys":"10.0"}`:                              true,
		`"NumericGreaterThan":{"s3:max-keys":"9"}`:                                    true,
		`"NumericNotEquals":{"s3:max-keys":"9"}`:                                      true,
		`"NumericEquals":{"aws:username":"9"}`:                                        false,
		`"DateLessThan":{"aws:CurrentTime":"2026-01-03"}`:                             true,
		`"DateGreaterThan":{"aws:CurrentTime":"2026-01-02T12:00:00Z"}`:                false,
		`"DateGreaterThanEquals":{"aws:EpochTime":"2026-01-02T12:00:00Z"}`:            true,
		`"DateNotEquals":{"aws:EpochTime":"1767355200"}`:                              false,
		`"Bool":{"aws:SecureTransport":false}`:                                        true,
		`"Bool":{"aws:SecureTransport":"true"}`:                                       false,
		`"IpAddress":{"aws:SourceIp":["192.168.0.0/16","10.0.0.0/8"]}`:                true,
		`"NotIpAddress":{"aws:SourceIp":"10.1.2.3"}`:                                  false,
		`"IpAddress":{"aws:SourceIp":"nonsense"}`:                                     false,
		`"ArnLike":{"aws:SourceArn":"arn:aws:sns:*:1:top*"}`:                          true,
		`"ArnEquals":{"aws:SourceArn":"arn:aws:sns:*:1:top*"}`:                        true,
		`"ArnNotLike":{"aws:SourceArn":"arn:aws:sns:*:*:*"}`:                          false,
		`"ArnLike":{"aws:SourceArn":"arn:aws:s*:topic"}`:                              false,
		`"Null":{"aws:absent":"true"}`:                                                true,
		`"Null":{"aws:username":"true"}`:                                              false,
		`"Null":{"aws:username":false}`:                                               true,
		`"ForAnyValue:StringEquals":{"aws:TagKeys":"team"}`:                           true,
		`"ForAllValues:StringEquals":{"aws:TagKeys":"team"}`:                          false,
		`"ForAllValues:StringEquals":{"aws:TagKeys":["team","cost","x"]}`:             true,
		`"ForAllValues:StringEquals":{"aws:absent":"x"}`:                              true,
		`"ForAnyValue:StringEquals":{"aws:absent":"x"}`:                               false,
		`"ForAnyValue:StringNotEquals":{"aws:TagKeys":"team"}`:                        true,
		`"StringEquals":{"aws:username":"ann","aws:absent":"x"}`:                      false,
		`"StringEquals":{"aws:username":"ann"},"Bool":{"aws:SecureTransport":"true"}`: false,
		`"BinaryEquals":{"aws:username":"ann"}`:                                       true,
	} {
		d := read(t, policy.Identity, `Allow "Action":"*","Resource":"*","Condition":{`+condition+`}`)
		got := policy.Evaluate(policy.Request{Principal: ann, Action: "a:b", Resource: "*", Keys: keys}, policy.Policies{Identity: []*policy.Document{d}})
		if (got == policy.Allowed) != want {
			t.Errorf("%s: %v", condition, got)
		}
	}
}

// A Deny that excepts what is not known excepts nothing.
func TestVagueDeny(t *testing.T) {
	d := read(t, policy.Identity, everything, `Deny "Action":"*","Resource":"*","Condition":{"StringNotLike":{"s3:prefix":"${aws:absent}/*"}}`)
	r := policy.Request{Principal: ann, Action: "s3:ListBucket", Resource: "*", Keys: map[string][]string{"s3:prefix": {"a/b"}}}
	if got := policy.Evaluate(r, policy.Policies{Identity: []*policy.Document{d}}); got != policy.DeniedByIdentity {
		t.Error(got)
	}
}

func TestVariables(t *testing.T) {
	const text = `{%s"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::homes/${aws:username}/*"}}`
	for _, c := range []struct {
		version, name, resource string
		want                    bool
	}{
		{`"Version":"2012-10-17",`, "ann", "arn:aws:s3:::homes/ann/x", true},
		{`"Version":"2012-10-17",`, "ann", "arn:aws:s3:::homes/bob/x", false},
		{`"Version":"2012-10-17",`, "*", "arn:aws:s3:::homes/bob/x", false},
		{`"Version":"2012-10-17",`, "", "arn:aws:s3:::homes//x", false},
		{``, "ann", "arn:aws:s3:::homes/ann/x", false},
		{``, "ann", "arn:aws:s3:::homes/${aws:username}/x", true},
	} {
		d, err := policy.Parse(fmt.Sprintf(text, c.version), policy.Identity)
		if err != nil {
			t.Fatal(err)
		}
		r := policy.Request{Principal: ann, Action: "s3:GetObject", Resource: c.resource, Keys: map[string][]string{}}
		if c.name != "" {
			r.Keys["aws:username"] = []string{c.name}
		}
		if got := policy.Evaluate(r, policy.Policies{Identity: []*policy.Document{d}}); (got == policy.Allowed) != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		`nonsense`:         "This policy contains invalid Json",
		`{}`:               "Syntax errors in policy.",
		`[]`:               "Syntax errors in policy.",
		`{"Statement":[]}`: "Syntax errors in policy.",
		`{"Version":"2012-10-18","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`:                                                  "Syntax errors in policy.",
		`{"Statement":{"Effect":"allow","Action":"*","Resource":"*"}}`:                                                                         "Syntax errors in policy.",
		`{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Other":1}}`:                                                               "Syntax errors in policy.",
		`{"Statement":{"Effect":"Allow","Effect":"Deny","Action":"*","Resource":"*"}}`:                                                         "Syntax errors in policy.",
		`{"Statement":{"Effect":"Allow","Action":"*","NotAction":"*","Resource":"*"}}`:                                                         "Syntax errors in policy.",
		`{"statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`:                                                                         "Syntax errors in policy.",
		`{"Statement":{"effect":"Allow","Action":"*","Resource":"*"}}`:                                                                         "Syntax errors in policy.",
		`{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"},"Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}`:               "Syntax errors in policy.",
		`{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":null}}`:                                                        "Syntax errors in policy.",
		`{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:a":"b"},"StringEquals":{"aws:c":"d"}}}}`: "Syntax errors in policy.",
		`{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:a":"b","aws:A":"c"}}}}`:                  "Syntax errors in policy.",
		`{"Statement":{"Sid":"a b","Effect":"Allow","Action":"*","Resource":"*"}}`:                                                             "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*",
		`{"Statement":{"Effect":"Allow","Resource":"*"}}`:                                                                                      "Policy statement must contain actions.",
		`{"Statement":{"Effect":"Allow","Action":"*"}}`:                                                                                        "Policy statement must contain resources.",
		`{"Statement":{"Effect":"Allow","Action":"PutRecord","Resource":"*"}}`:                                                                 "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
		`{"Statement":{"Effect":"Allow","Action":"*","Resource":"orders"}}`:                                                                    `Resource orders must be in ARN format or "*".`,
		`{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Principal":"*"}}`:                                                         "Policy document should not specify a principal.",
		`{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringMagic":{"aws:a":"b"}}}}`:                               "Syntax errors in policy.",
		`{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"a":"b"}}}}`:                                  "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
		`{"Statement":[{"Sid":"a","Effect":"Allow","Action":"*","Resource":"*"},{"Sid":"a","Effect":"Allow","Action":"*","Resource":"*"}]}`:    "Statement IDs (SID) in a single policy must be unique.",
		`{"Statement":{"Effect":"Allow","Action":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `,"Resource":"*"}}`:                 "This policy contains invalid Json",
		`{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`:                                                                         "",
	} {
		_, err := policy.Parse(text, policy.Identity)
		if got := fmt.Sprint(err); got != want && (want != "" || err != nil) {
			t.Errorf("%s: %v", text, err)
		}
	}
	for text, want := range map[string]string{
		`{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"nobody"}}}`:                                  `Invalid principal in policy: "AWS":"nobody"`,
		`{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"lambda.amazonaws.com"},"Resource":"*"}}`: "Has prohibited field Resource",
		`{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole"}}`:                                                               "Missing required field Principal",
		`{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"*","aws":"111111111111"}}}`:                  "Syntax errors in policy.",
	} {
		if _, err := policy.Parse(text, policy.Trust); fmt.Sprint(err) != want {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// What a service calls its statements is its own affair, and a session's policy names resources as a whole.
func TestParseKinds(t *testing.T) {
	if _, err := policy.Parse(`{"Statement":{"Sid":"a b","Effect":"Allow","Principal":"*","Action":"sqs:*","Resource":"*"}}`, policy.Resource); err != nil {
		t.Error(err)
	}
	const text = `{"Statement":{"Effect":"Allow","Action":"sqs:*","Resource":"arn:aws:sqs"}}`
	if _, err := policy.Parse(text, policy.Session); fmt.Sprint(err) != `Resource arn:aws:sqs must be in ARN format or "*".` {
		t.Error(err)
	}
	if _, err := policy.Parse(text, policy.Identity); err != nil {
		t.Error(err)
	}
}

// Adding a Deny never allows more, and the order of statements says nothing.
func TestProperties(t *testing.T) {
	pick := func(r *rand.Rand, from ...string) string { return from[r.IntN(len(from))] }
	statement := func(r *rand.Rand, effect string) string {
		s := effect + ` "` + pick(r, "Action", "NotAction") + `":"` + pick(r, "*", "s3:*", "s3:Get*", "sqs:SendMessage") + `","` +
			pick(r, "Resource", "NotResource") + `":"` + pick(r, "*", "arn:aws:s3:::a", "arn:aws:s3:::*", "arn:aws:s3:::${aws:username}") + `"`
		if r.IntN(2) == 0 {
			s += `,"Condition":{"` + pick(r, "", "ForAnyValue:", "ForAllValues:") + pick(r, "StringEquals", "StringNotLike", "StringLikeIfExists") + `":{"aws:` +
				pick(r, "username", "tagkeys", "absent") + `":"` + pick(r, "a", "*", "b") + `"}}`
		}
		return s
	}
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 1))
		var all []string
		for range 1 + r.IntN(4) {
			all = append(all, statement(r, pick(r, "Allow", "Allow", "Deny")))
		}
		request := policy.Request{
			Principal: ann, Action: pick(r, "s3:GetObject", "s3:PutObject", "sqs:SendMessage"), Resource: pick(r, "arn:aws:s3:::a", "arn:aws:s3:::b"),
			Keys: map[string][]string{"aws:username": {pick(r, "a", "b")}, "aws:tagkeys": {"a", "b"}},
		}
		decide := func(statements []string) policy.Reason {
			return policy.Evaluate(request, policy.Policies{Identity: []*policy.Document{read(t, policy.Identity, statements...)}})
		}
		before := decide(all)
		r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		if after := decide(all); after != before {
			t.Fatalf("seed %d: %v in another order %v", seed, before, after)
		}
		if after := decide(append(all, statement(r, "Deny"))); after == policy.Allowed && before != policy.Allowed {
			t.Fatalf("seed %d: a Deny allowed more", seed)
		}
	}
}

// FuzzParse reads policies, and holds what is decided by them against what has to be true of every policy: who is granted nothing
// has nothing, and one more policy that denies everything takes everything away.
func FuzzParse(f *testing.F) {
	f.Add(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::${aws:username}*?","Condition":{"ForAnyValue:StringLike":{"aws:tagkeys":["a*"]}}}}`, 0)
	f.Add(`{"Statement":[{"Effect":"Deny","Principal":{"AWS":["*",123456789012]},"Action":"a:*"}]}`, 2)
	f.Add(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","NotPrincipal":{"Service":"a"},"NotAction":"a:*","NotResource":"arn:aws:s3:::${aws:x, 'y'}"}]}`, 2)
	f.Add(`{"Statement":{"Effect":"Allow","Action":"s3:Get*","Resource":"arn:aws:s3","Condition":{"NumericLessThanIfExists":{"s3:max-keys":5},"Null":{"aws:a":true},"NotIpAddress":{"aws:SourceIp":"::1/8"}}}}`, 0)
	f.Fuzz(func(t *testing.T, text string, kind int) {
		d, err := policy.Parse(text, policy.Kind(uint(kind)%4))
		if err != nil {
			return
		}
		r := policy.Request{
			Principal: session, Action: "s3:GetObject", Resource: "arn:aws:s3:::a/b",
			Keys: map[string][]string{"aws:username": {"ann"}, "aws:tagkeys": {"a", "b"}, "aws:sourceip": {"10.1.2.3"}, "s3:max-keys": {"4"}, "aws:currenttime": {"2026-01-02T12:00:00Z"}},
		}
		policy.Evaluate(r, policy.Policies{Identity: []*policy.Document{d}, Resource: d, Session: d, Boundary: d})
		for what, p := range map[string]policy.Policies{
			"identity": {Identity: []*policy.Document{d, policy.Nothing()}}, "resource": {Identity: []*policy.Document{policy.Nothing()}, Resource: d},
			"session": {Identity: []*policy.Document{d}, Session: policy.Nothing()}, "boundary": {Boundary: d}, "only a session": {Session: d},
		} {
			if policy.Evaluate(r, p) == policy.Allowed {
				t.Errorf("%s: allowed by %s", what, text)
			}
		}
		stranger := r
		stranger.Owner = other
		if policy.Evaluate(stranger, policy.Policies{Identity: []*policy.Document{d}}) == policy.Allowed {
			t.Errorf("another account's: allowed by %s", text)
		}
	})
}

func BenchmarkEvaluate(b *testing.B) {
	d := read(b, policy.Identity, `Allow "Action":["kinesis:PutRecord","kinesis:PutRecords"],"Resource":"arn:aws:kinesis:*:111111111111:stream/*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}`)
	r := policy.Request{Principal: ann, Action: "kinesis:PutRecords", Resource: "arn:aws:kinesis:eu-west-1:111111111111:stream/orders", Keys: map[string][]string{"aws:sourceip": {"10.1.1.1"}}}
	b.ReportAllocs()
	for b.Loop() {
		if policy.Evaluate(r, policy.Policies{Identity: []*policy.Document{d}}) != policy.Allowed {
			b.Fatal("denied")
		}
	}
}
