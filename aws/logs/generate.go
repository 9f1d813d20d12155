package logs

//go:generate go run ../generate -service logs
