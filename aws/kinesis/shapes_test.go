package kinesis

import (
	"reflect"
	"testing"
	"time"

	"github.com/millrace/millrace/aws/protocol"
	"github.com/millrace/millrace/stream"
)

// TestShapesOfClosedShards looks at what only a reshard brings about.
func TestShapesOfClosedShards(t *testing.T) {
	created := time.Unix(1700000000, 0)
	merged := stream.Shard{Index: 4, Parent: 1, AdjacentParent: 2, Created: created}
	closed := stream.Shard{Index: 0, Parent: stream.NoParent, AdjacentParent: stream.NoParent, Created: created, Closed: created.Add(time.Hour)}
	split := stream.Shard{Index: 2, Parent: 0, AdjacentParent: stream.NoParent, Created: created}

	shapes := shardShapes([]stream.Shard{closed, split, merged})
	if end := shapes[0].SequenceNumberRange.EndingSequenceNumber; end == nil || *end != "49646437577119626789516141717395488358902386617969803266" {
		t.Errorf("end of a closed shard: %v", end)
	}
	if shapes[0].ParentShardId != nil || *shapes[1].ParentShardId != "shardId-000000000000" || shapes[1].AdjacentParentShardId != nil {
		t.Errorf("parents: %+v", shapes)
	}
	if *shapes[2].ParentShardId != "shardId-000000000001" || *shapes[2].AdjacentParentShardId != "shardId-000000000002" {
		t.Errorf("parents of a merge: %+v", shapes[2])
	}
	children := childShapes([]stream.Shard{split, merged})
	if !reflect.DeepEqual(children[0].ParentShards, []string{"shardId-000000000000"}) ||
		!reflect.DeepEqual(children[1].ParentShards, []string{"shardId-000000000001", "shardId-000000000002"}) {
		t.Errorf("%+v", children)
	}
	// A shard end without children still has the member, for clients tell the end by it.
	if got := string(protocol.EncodingJSON.Append(nil, &GetRecordsOutput{ChildShards: childShapes(nil)})); got != `{"Records":[],"ChildShards":[]}` {
		t.Error(got)
	}
	end := &SubscribeToShardEvent{Records: recordShapes(closed, nil), ChildShards: childShapes(nil)}
	if got := string(protocol.EncodingJSON.Append(nil, end)); got != `{"Records":[],"MillisBehindLatest":0,"ChildShards":[]}` {
		t.Error(got)
	}
}
