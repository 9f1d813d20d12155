package sts

//go:generate go run ../generate -service sts
