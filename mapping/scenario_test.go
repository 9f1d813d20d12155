package mapping

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace/millrace/function"
	"github.com/millrace/millrace/stream"
)

var rewrite = flag.Bool("rewrite", false, "write the transcripts of testdata anew")

// TestScenarios plays the stories of testdata: the commands above the line, in virtual time, must leave the transcript
// below it. A transcript is rewritten only by who understands what has changed in it.
//
// Every story is told twice, with streams as sources and with a consumer of each stream, and must come to the same. One
// that begins with "source stream" or "source consumer" is about that kind alone.
// Facts: 2.2.5, 8.12.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no scenarios", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			story, want, _ := strings.Cut(string(data), "----\n")
			for _, kind := range []string{"stream", "consumer"} {
				if only := sourceOnly.FindStringSubmatch(story); only != nil && only[1] != kind {
					continue
				}
				t.Run(kind, func(t *testing.T) {
					var got string
					synctest.Test(t, func(t *testing.T) { got = play(t, story, kind == "consumer") })
					if *rewrite {
						want = got
					} else if got != want {
						t.Errorf("the transcript is\n%s\nand should be\n%s", got, want)
					}
				})
			}
			if *rewrite {
				if err := os.WriteFile(file, []byte(story+"----\n"+want), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

var sourceOnly = regexp.MustCompile(`(?m)^source +(stream|consumer)$`)

// play carries a story out, with consumers as sources or with streams, and returns its transcript.
func play(t *testing.T, story string, consumers bool) string {
	p := &player{world: newWorld(t), t: t, byConsumer: consumers, ids: map[string]stream.ConsumerID{}}
	p.config.TransitionDelay = 0
	p.fails = func() bool { return p.clock.Now().UnixNano() < p.full.Load() }
	p.start()
	var transcript []string
	for i, line := range strings.Split(story, "\n") {
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(line, "#") {
			continue
		}
		do, ok := commands[words[0]]
		if !ok {
			t.Fatalf("line %d: no command %q", i+1, words[0])
		}
		p.line = i + 1
		do(p, words[1:])
		synctest.Wait()
		transcript = append(transcript, p.flush()...)
	}
	if p.epoch != nil {
		p.stop()
	}
	transcript = append(transcript, p.flush()...)
	if len(transcript) == 0 {
		return ""
	}
	return strings.Join(transcript, "\n") + "\n"
}

// player is a world with a story that is told in it.
type player struct {
	*world
	t    *testing.T
	line int

	byConsumer bool                         // mappings read streams through consumers
	ids        map[string]stream.ConsumerID // by stream and consumer
	full       atomic.Int64                 // until when the store takes nothing, in ns since 1970
}

// commands are the words that a line of a story begins with.
//
//	delay D                         TransitionDelay from the next start on; grace D: StopGrace
//	source stream|consumer          the story is about this kind of source alone
//	stream NAME [ShardCount=N] [Retention=D]
//	function NAME [fails-on=A,B] [fails=N] [fails-for=D] [throttles=N] [faults=N] [slow=D] [limit=BYTES] [pending] [deleted]
//	         [reports=A,B] [responds=JSON] [state=BYTES] [stateless] [final-fails=N]   see replies
//	mapping STREAM->FUNCTION [StartingPosition=…] [Timestamp=-D] [Enabled=false] [a setting=…] …
//	                                Filter=PATTERN may come several times; Filter= alone is an empty list of them
//	update, enable, disable, delete, get, list, stats, filtered
//	consumer STREAM NAME [STATUS]   registers a consumer, which is ACTIVE, or brings it into a state; "gone" removes it
//	closing             as a server does that stops; subscriptions tells how many there were so far
//	metrics [sorted]                the samples since the last time, each metric's in their order, or by size
//	put STREAM [shard=N] RECORD …   records joined by + are an aggregated one, with the key of the first; a record is
//	                                [KEY:]LABEL[@AGE][=JSON][#BYTES]; without a key its label is the key,
//	                                without JSON its label is the data; a JSON object gets the label as its member id
//	advance D, settle               let time pass: so long; until all records are done
//	stop, crash, start              the program
//	split STREAM SHARD, merge STREAM SHARD SHARD, trim STREAM SHARD LABEL, delete-stream STREAM, read-fails N
//	pacing                          streams are polled as AWS does it; throttle N: the next N polls are refused; polls tells
//	                                how many there were so far
//	queue fails=N                   the destination refuses N documents
//	full D                          the store takes nothing for so long
//	chance N                        what Chance returns from the next start on
//	show ids|summaries              more in the transcript
//	history, kept, waits            the trails of the batches; the discarded ones that are stored; what is waited for
//	keep batches=N bytes=N history=N
//	                                DiscardedBatches, DiscardedBytes and HistoryBytes from the next start on
var commands = map[string]func(p *player, words []string){
	"delay":         func(p *player, w []string) { p.config.TransitionDelay = p.duration(w[0]); p.restart() },
	"grace":         func(p *player, w []string) { p.config.StopGrace = p.duration(w[0]); p.restart() },
	"source":        func(*player, []string) {},
	"stream":        (*player).doStream,
	"consumer":      (*player).doConsumer,
	"function":      (*player).doFunction,
	"mapping":       (*player).doMapping,
	"update":        (*player).doUpdate,
	"enable":        func(p *player, _ []string) { p.doUpdate([]string{"Enabled=true"}) },
	"disable":       func(p *player, _ []string) { p.doUpdate([]string{"Enabled=false"}) },
	"delete":        (*player).doDelete,
	"get":           (*player).doGet,
	"stats":         (*player).doStats,
	"filtered":      (*player).doFiltered,
	"put":           (*player).doPut,
	"advance":       func(p *player, w []string) { <-p.clock.After(p.duration(w[0])) },
	"settle":        func(p *player, _ []string) { p.settle(100 * time.Hour) },
	"stop":          func(p *player, _ []string) { p.stop(); p.note("", -1, 0, "stopped", "") },
	"crash":         func(p *player, _ []string) { p.crash(); p.note("", -1, 0, "crashed", "") },
	"start":         func(p *player, _ []string) { p.start() },
	"split":         func(p *player, w []string) { p.source.reshard(streamName(w[0]), int64(p.number(w[1]))) },
	"merge":         (*player).doMerge,
	"trim":          (*player).doTrim,
	"delete-stream": func(p *player, w []string) { p.source.delete(streamName(w[0])) },
	"read-fails":    func(p *player, w []string) { p.source.setFails(p.number(w[0])) },
	"queue":         (*player).doQueue,
	"chance":        (*player).doChance,
	"full":          func(p *player, w []string) { p.full.Store(p.clock.Now().Add(p.duration(w[0])).UnixNano()) },
	"pacing":        func(p *player, _ []string) { p.config.Polled = p.source.polled(); p.restart() },
	"throttle":      func(p *player, w []string) { p.source.throttle(p.number(w[0])) },
	"polls":         (*player).doPolls,
	"closing":       func(p *player, _ []string) { p.source.closeSubscriptions() },
	"subscriptions": (*player).doSubscriptions,
	"show":          func(p *player, w []string) { p.shows[w[0]] = true },
	"history":       (*player).doHistory,
	"kept":          (*player).doKept,
	"waits":         (*player).doWaits,
	"keep":          (*player).doKeep,
	"metrics":       (*player).doMetrics,
}

func (p *player) doChance(words []string) {
	n, err := strconv.ParseFloat(words[0], 64)
	if err != nil {
		p.t.Fatalf("line %d: %v", p.line, err)
	}
	p.config.Chance = func() float64 { return n }
	p.restart()
}

func streamName(s string) stream.Name {
	return stream.Name{Account: testAccount, Region: testRegion, Name: s}
}

func functionRef(s string) function.Ref {
	name, qualifier, _ := strings.Cut(s, ":")
	return function.Ref{Name: function.Name{Account: testAccount, Region: testRegion, Name: name}, Qualifier: qualifier}
}

func (p *player) duration(s string) time.Duration {
	d, err := time.ParseDuration(s)
	if err != nil {
		p.t.Fatalf("line %d: %v", p.line, err)
	}
	return d
}

func (p *player) number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		p.t.Fatalf("line %d: %v", p.line, err)
	}
	return n
}

// options reads words of the form name=value, or name alone, which is name=true.
func (p *player) options(words []string, known ...string) map[string]string {
	options := map[string]string{}
	for _, word := range words {
		name, value, ok := strings.Cut(word, "=")
		if !ok {
			value = "true"
		}
		if !slices.Contains(known, name) {
			p.t.Fatalf("line %d: no option %q", p.line, name)
		}
		if before, ok := options[name]; ok && name == "Filter" {
			value = before + "\n" + value
		}
		options[name] = value
	}
	return options
}

func (p *player) restart() {
	p.stop()
	p.start()
}

func (p *player) doStream(words []string) {
	shards, retention := 1, 24*time.Hour
	for name, value := range p.options(words[1:], "ShardCount", "Retention") {
		if name == "ShardCount" {
			shards = p.number(value)
		} else {
			retention = p.duration(value)
		}
	}
	p.source.create(streamName(words[0]), shards, retention)
}

func (p *player) doFunction(words []string) {
	f := &fakeFunction{}
	for name, value := range p.options(words[1:], "fails-on", "fails", "fails-for", "throttles", "faults", "slow", "limit", "pending", "deleted",
		"reports", "responds", "state", "stateless", "final-fails") {
		switch name {
		case "fails-on":
			f.failsOn = strings.Split(value, ",")
		case "fails":
			f.fails = p.number(value)
		case "fails-for":
			f.failsUntil = p.clock.Now().Add(p.duration(value))
		case "throttles":
			f.throttles = p.number(value)
		case "faults":
			f.faults = p.number(value)
		case "slow":
			f.slow = p.duration(value)
		case "limit":
			f.limit = p.number(value)
		case "pending":
			f.pending = true
		case "deleted":
			f.deleted = true
		case "reports":
			f.reports = strings.Split(value, ",")
		case "responds":
			f.responds = value
		case "state":
			f.stateBytes = p.number(value)
		case "stateless":
			f.stateless = true
		case "final-fails":
			f.finalFails = p.number(value)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.functions[words[0]] = f
}

var settingNames = []string{
	"BatchSize", "MaximumBatchingWindow", "ParallelizationFactor", "MaximumRetryAttempts", "MaximumRecordAge",
	"EventCount", "BisectBatchOnFunctionError", "OnFailure", "Filter", "TumblingWindow", "ReportBatchItemFailures",
}

// change reads settings.
func (p *player) change(options map[string]string) Change {
	var c Change
	numbers := map[string]**int{
		"BatchSize": &c.BatchSize, "MaximumBatchingWindow": &c.MaximumBatchingWindow, "ParallelizationFactor": &c.ParallelizationFactor,
		"MaximumRetryAttempts": &c.MaximumRetryAttempts, "MaximumRecordAge": &c.MaximumRecordAge,
		"TumblingWindow": &c.TumblingWindow,
	}
	for name, value := range options {
		switch {
		case numbers[name] != nil:
			*numbers[name] = new(p.number(value))
		case name == "EventCount":
			c.EventCount = new(value == "true")
		case name == "BisectBatchOnFunctionError":
			c.BisectBatchOnFunctionError = new(value == "true")
		case name == "ReportBatchItemFailures":
			c.ReportBatchItemFailures = new(value == "true")
		case name == "OnFailure" && !strings.HasPrefix(value, "arn:") && value != "":
			c.OnFailure = new("arn:aws:sqs:" + testRegion + ":" + testAccount + ":" + value)
		case name == "OnFailure":
			c.OnFailure = new(value)
		case name == "Filter":
			c.Filters = &[]string{}
			if value != "" {
				*c.Filters = strings.Split(value, "\n")
			}
		case name == "Enabled":
			c.Enabled = new(value == "true")
		case name == "FunctionName":
			c.Function = new(functionRef(value))
		}
	}
	return c
}

func (p *player) doMapping(words []string) {
	source, target, _ := strings.Cut(words[0], "->")
	options := p.options(words[1:], append(settingNames, "StartingPosition", "Timestamp", "Enabled", "Consumer")...)
	in := CreateInput{
		Account: testAccount, Region: testRegion, Source: streamName(source), Function: functionRef(target),
		Start:    stream.Start{Type: stream.TrimHorizon},
		Disabled: options["Enabled"] == "false",
		Settings: p.change(options).Apply(Defaults()),
	}
	if start, ok := options["StartingPosition"]; ok {
		in.Start.Type = stream.StartType(start)
	}
	if at, ok := options["Timestamp"]; ok {
		in.Start.Timestamp = p.clock.Now().Add(p.duration(at))
	}
	if p.byConsumer {
		in.Consumer = p.consumer(source, options["Consumer"], target)
	}
	m, err := p.service.Create(context.Background(), in)
	if err == nil {
		p.last = m.UUID
		p.mu.Lock()
		p.mappings[m.UUID], p.mappings[m.Function.Name.Name] = len(p.mappings)/2+1, len(p.mappings)/2+1
		p.mu.Unlock()
	}
	p.answered("create", m, err)
}

// consumer returns the consumer of a stream for a mapping: of the given name, or else one of the mapping's own, made at
// need.
func (p *player) consumer(source, name, target string) stream.ConsumerID {
	if name == "" {
		name, _, _ = strings.Cut(target, ":")
	}
	id, ok := p.ids[source+"/"+name]
	if !ok {
		id = stream.ConsumerID{Stream: streamName(source), Name: name, Created: 1}
		if _, err := p.source.Describe(context.Background(), id.Stream); err == nil {
			id = p.source.register(id.Stream, name)
			p.ids[source+"/"+name] = id
		}
	}
	return id
}

// consumerPart is what the ARN of a consumer has after that of its stream.
var consumerPart = regexp.MustCompile(`/consumer/[^ ]*`)

func (p *player) doConsumer(words []string) {
	key := words[0] + "/" + words[1]
	id, ok := p.ids[key]
	if !ok || len(words) == 2 {
		id = p.source.register(streamName(words[0]), words[1])
		p.ids[key] = id
	}
	if len(words) == 3 {
		p.source.setConsumer(id, stream.Status(strings.TrimSuffix(words[2], "gone")))
	}
}

func (p *player) doPolls([]string) {
	p.source.mu.Lock()
	n := p.source.polls
	p.source.mu.Unlock()
	p.note("", -1, 0, "polled", strconv.Itoa(n))
}

func (p *player) doSubscriptions([]string) {
	p.source.mu.Lock()
	n := p.source.subscribed
	p.source.mu.Unlock()
	p.note("", -1, 0, "subscribed", strconv.Itoa(n))
}

// answered notes what an operation has answered, unless there is nothing to wonder about.
func (p *player) answered(operation string, m Mapping, err error) {
	if err != nil {
		text := err.Error()
		if p.last != "" {
			text = strings.ReplaceAll(text, p.last, "UUID")
		}
		if p.byConsumer {
			text = consumerPart.ReplaceAllString(text, "")
		}
		p.note("", -1, 0, operation, "error: "+text)
	} else {
		p.note("", -1, 0, operation, string(m.State))
	}
}

func (p *player) doUpdate(words []string) {
	c := p.change(p.options(words, append(settingNames, "Enabled", "FunctionName")...))
	m, err := p.service.Update(context.Background(), testAccount, testRegion, p.last, c)
	p.answered("update", m, err)
}

func (p *player) doDelete([]string) {
	m, err := p.service.Delete(context.Background(), testAccount, testRegion, p.last)
	p.answered("delete", m, err)
}

func (p *player) doGet([]string) {
	m, err := p.service.Get(testAccount, testRegion, p.last)
	if err == nil {
		m.State += State(", " + m.LastProcessingResult)
	}
	p.answered("get", m, err)
}

func (p *player) doMetrics(words []string) {
	for _, line := range p.recorder.take(len(words) > 0) {
		p.note("", -1, 0, "metric", line)
	}
}

func (p *player) doStats([]string) {
	s, err := p.service.Stats(p.last)
	if err != nil {
		p.t.Fatal(err)
	}
	p.note("", -1, 0, "stats", fmt.Sprintf("batches=%d invocations=%d retries=%d splits=%d throttles=%d delivered=%d discarded=%d expired=%d documents=%d/%d",
		s.Batches, s.Invocations, s.Retries, s.Splits, s.Throttles, s.Delivered, s.Discarded, s.Expired, s.Documents, s.DocumentFailures))
}

func (p *player) doFiltered([]string) {
	s, err := p.service.Stats(p.last)
	if err != nil {
		p.t.Fatal(err)
	}
	p.note("", -1, 0, "filtered", fmt.Sprintf("%d of %d", s.FilteredOut, s.Polled))
}

func (p *player) doPut(words []string) {
	shard := 0
	var records []stream.Record
	for _, word := range words[1:] {
		if n, ok := strings.CutPrefix(word, "shard="); ok {
			shard = p.number(n)
			continue
		}
		var users []stream.Record
		for user := range strings.SplitSeq(word, "+") {
			users = append(users, p.record(user))
		}
		if len(users) == 1 {
			records = append(records, users...)
			continue
		}
		whole := users[0]
		whole.Data = aggregated(users...)
		records = append(records, whole)
	}
	p.putRecords(streamName(words[0]), shard, records...)
}

// record reads a record.
func (p *player) record(word string) stream.Record {
	word, padding, _ := strings.Cut(word, "#")
	word, payload, _ := strings.Cut(word, "=")
	word, age, _ := strings.Cut(word, "@")
	key, label, ok := strings.Cut(word, ":")
	if !ok {
		label = key
	}
	record := p.testRecord(key, label, p.duration("0s"+age), p.number("0"+padding))
	if payload != "" {
		record.Data = testPayload(label, payload, p.number("0"+padding))
	}
	return record
}

func (p *player) doMerge(words []string) {
	p.source.reshard(streamName(words[0]), int64(p.number(words[1])), int64(p.number(words[2])))
}

func (p *player) doTrim(words []string) {
	name := streamName(words[0])
	st, err := p.source.Describe(context.Background(), name)
	if err != nil {
		p.t.Fatal(err)
	}
	shard := p.number(words[1])
	p.mu.Lock()
	labels := maps.Clone(p.records[stream.ShardKey{Stream: st.Number, Index: uint32(shard)}])
	p.mu.Unlock()
	for position, label := range labels {
		if label == words[2] {
			p.source.trim(name, shard, position)
		}
	}
}

func (p *player) doQueue(words []string) {
	n := p.number(p.options(words, "fails")["fails"])
	p.mu.Lock()
	defer p.mu.Unlock()
	p.broken = n
}
