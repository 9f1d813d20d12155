// Package metric keeps CloudWatch's metrics: what clients put, and what the other rooms record of themselves.
//
// A metric is known by its scope (account and region), namespace, name and dimensions. Its samples are kept as
// aggregates: for each unit and period a count, a sum, the extremes and a distribution from which percentiles are read,
// right to about a fiftieth. Periods grow with age, as on AWS: a minute for 15 days, five minutes for 63 days, an
// hour for 455 days; samples of high resolution begin with a second, for three hours.
//
// There are two ways in.
//
//   - Put is for clients. What it was given is durable when it returns.
//   - A Meter is for the rooms of the house. Record adds a sample to the minute's cell in memory, under one short lock and
//     without allocating. Run writes the cells down when their minute is over, and those of the last minute when it
//     stops. A crash loses what was recorded since: at most about a minute. These samples are nobody's data.
//
// A read adds up what is stored and what is still in memory.
//
// # Rows
//
// The store has a row for each thing that was added to a period, not one for each period: rows of the same metric,
// period and unit are summed by whoever reads them. So nothing is ever read in order to be written, a put needs no lock
// while the store works, and no order of writes can lose one. Fold merges rows of one period into one once the period is
// over, and those whose time has come into the rows of a longer period.
//
// # Bounds
//
// A scope has at most Config.Metrics metrics. When it has, a Put of another is refused with a *LimitError; a Meter takes
// the place of the AWS metric that has been silent the longest, when that is three hours, and else records nothing.
package metric
