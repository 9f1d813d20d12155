package lambda

//go:generate go run ../generate -service lambda
