// Package house holds no code: its tests keep the habits of the house true, among them which package may import which.
package house
