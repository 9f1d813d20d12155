package sns

//go:generate go run ../generate -service sns
