// Package alarm keeps CloudWatch's alarms on metrics: it looks at their metrics once a period, and tells topics and functions when
// their state changes.
//
// The room knows no metrics: it asks a Reader for the values of a watch. What they mean is the verdict, a pure function: of
// the last periods, so many of so many breaching make an alarm, and what is missing counts as the alarm says. A change of state
// is written down together with the actions that it asks for, so that none is lost; they are carried out at least once, those of
// one alarm in their order and of several alarms beside each other, and given up after some tries.
//
// Alarms have a history of a hundred items, which goes with them.
package alarm
