package cloudwatch

//go:generate go run ../generate -service cloudwatch
