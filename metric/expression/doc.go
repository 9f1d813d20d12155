// Package expression is CloudWatch's metric math, as far as GetMetricData offers it: numbers, ids of queries, + - * /,
// brackets, lists such as [m1, m2], METRICS(), and the functions SUM, AVG, MIN, MAX and FILL.
//
// A value is a number, a series (a number for some moments), or a list of series. An operator works moment by moment; a
// moment that one side does not know is not in the result, and neither is one whose result is not a finite number. SUM,
// AVG, MIN and MAX make a number of a series, and a series of a list. FILL gives a series a number for each of its periods.
//
// Parse refuses what is not offered. Evaluating cannot fail but for values of the wrong kind.
package expression
