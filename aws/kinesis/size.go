package kinesis

// About what a record and the answer for a stored one take in JSON beside what is counted.
const (
	recordRoom = 192
	resultRoom = 144
	answerRoom = 1 << 10
)

// Size implements wire.Sized.
func (v *GetRecordsOutput) Size() int { return answerRoom + recordsSize(v.Records) }

// Size implements wire.Sized.
func (v *SubscribeToShardEvent) Size() int { return answerRoom + recordsSize(v.Records) }

// Size implements wire.Sized.
func (v *PutRecordsOutput) Size() int { return answerRoom + resultRoom*len(v.Records) }

func recordsSize(records []Record) int {
	n := recordRoom * len(records)
	for i := range records {
		n += len(records[i].Data)/3*4 + 4 + len(records[i].PartitionKey)
	}
	return n
}
