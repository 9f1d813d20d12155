// Package aggregate reads the aggregated records of the Kinesis Producer Library: user records that a client has packed
// into the payload of one Kinesis record. The service itself never looks into them; who shows records to people, or hands
// them out one by one as a consumer's mapping does, asks Decode.
//
// The form, as AWS publishes it: four bytes of magic, a protobuf message, and the MD5 of the message.
//
//	message AggregatedRecord {
//	  repeated string partition_key_table     = 1;
//	  repeated string explicit_hash_key_table = 2;
//	  repeated Record records                 = 3;
//	}
//	message Record {
//	  required uint64 partition_key_index     = 1;
//	  optional uint64 explicit_hash_key_index = 2;
//	  required bytes  data                    = 3;
//	  repeated Tag    tags                    = 4;
//	}
//	message Tag {
//	  required string key   = 1;
//	  optional string value = 2;
//	}
//
// A payload with anything wrong in it is not an aggregated record but itself: that way nothing is lost. What is decoded
// takes memory in proportion to the payload (some twenty times as much at the very worst), whatever it claims.
package aggregate
