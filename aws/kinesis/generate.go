package kinesis

//go:generate go run ../generate -service kinesis
