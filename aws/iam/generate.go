package iam

//go:generate go run ../generate -service iam
