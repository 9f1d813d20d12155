package bench

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// table writes the report for people.
func (r Report) table(w io.Writer) error {
	fmt.Fprintf(w, "%s, %s, %d cores of %s, %s\n\n", r.Version, r.OS, r.Cores, r.CPU, r.Date)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(t, "durable puts, 1 KiB records\trecords/s\tMB/s\tp50 ms\tp99 ms\tengine alone, records/s\tof engine\n")
	for i, p := range r.Put {
		fmt.Fprintf(t, "%d a call, %d connections\t%.0f\t%.1f\t%.2f\t%.2f\t%.0f\t%.0f %%\n",
			p.Records, p.Connections, p.PerSecond, p.Megabytes, p.Latency.P50, p.Latency.P99, r.Engine[i].PerSecond, 100*r.OfEngine[i])
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	fmt.Fprintf(t, "GetRecords, catching up\t%.0f records/s\t%.1f MB/s\n", r.GetRecords.PerSecond, r.GetRecords.Megabytes)
	fmt.Fprintf(t, "drain through a function process\t%.0f records/s\tbatches of %d, %d-byte records\n", r.Drain.PerSecond, r.Drain.BatchSize, r.Drain.Bytes)
	fmt.Fprintf(t, "put to invoke, trickle\tp50 %.2f ms\tp99 %.2f ms\n", r.PutToInvoke.P50, r.PutToInvoke.P99)
	fmt.Fprintf(t, "put to function, trickle\tp50 %.2f ms\tp99 %.2f ms\n", r.PutToFunction.P50, r.PutToFunction.P99)
	fmt.Fprintf(t, "start, empty folder\t%.0f ms\n", r.StartMillis)
	fmt.Fprintf(t, "resident memory, idle\t%.1f MiB\n", float64(r.IdleRSS)/(1<<20))
	return t.Flush()
}
