package sqs

//go:generate go run ../generate -service sqs
