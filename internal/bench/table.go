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
	if len(r.Put)+len(r.Engine) > 0 {
		fmt.Fprint(t, "durable puts, 1 KiB records\trecords/s\tMB/s\tp50 ms\tp99 ms\tengine alone, records/s\tp50 ms\tof engine\n")
	}
	for i := range max(len(r.Put), len(r.Engine)) {
		var put, engine Rate
		var of float64
		if i < len(r.Engine) {
			engine, put = r.Engine[i], Rate{Records: r.Engine[i].Records, Connections: r.Engine[i].Connections}
		}
		if i < len(r.Put) {
			put = r.Put[i]
		}
		if i < len(r.OfEngine) {
			of = r.OfEngine[i]
		}
		fmt.Fprintf(t, "%d a call, %d connections\t%.0f\t%.1f\t%.2f\t%.2f\t%.0f\t%.2f\t%.0f %%\n", put.Records, put.Connections,
			put.PerSecond, put.Megabytes, put.Latency.P50, put.Latency.P99, engine.PerSecond, engine.Latency.P50, 100*of)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	if g := r.GetRecords; g.Records > 0 {
		fmt.Fprintf(t, "GetRecords, catching up\t%.0f records/s\t%.1f MB/s\n", g.PerSecond, g.Megabytes)
	}
	if d := r.Drain; d.Records > 0 {
		fmt.Fprintf(t, "drain through a function process\t%.0f records/s\tbatches of %d, %d-byte records\n", d.PerSecond, d.BatchSize, d.Bytes)
	}
	if r.PutToInvoke.Count > 0 {
		fmt.Fprintf(t, "put to invoke, trickle\tp50 %.2f ms\tp99 %.2f ms\n", r.PutToInvoke.P50, r.PutToInvoke.P99)
		fmt.Fprintf(t, "put to function, trickle\tp50 %.2f ms\tp99 %.2f ms\n", r.PutToFunction.P50, r.PutToFunction.P99)
	}
	for _, f := range r.Cold {
		fmt.Fprintf(t, "cold start, %s\t%.0f ms\tbare start of the same program %.0f ms: %.1f times\n", f.Runtime, f.ColdMS, f.BareMS, f.OfBare)
	}
	for _, f := range r.Warm {
		fmt.Fprintf(t, "warm invocation, %s\tp50 %.3f ms\tp99 %.3f ms\tbare HTTP %.3f and %.3f ms: %.1f and %.1f times\ttwo behind each other %.3f and %.3f ms\n", f.Runtime,
			f.Invoke.P50, f.Invoke.P99, f.Bare.P50, f.Bare.P99, f.OfP50, f.OfP99, f.Relayed.P50, f.Relayed.P99)
	}
	for _, q := range r.Queue {
		fmt.Fprintf(t, "queue, %d a call, %d connections\tsend %.0f/s\treceive %.0f/s\tdelete %.0f/s\n", q.Send.Records, q.Send.Connections,
			q.Send.PerSecond, q.Receive.PerSecond, q.Delete.PerSecond)
	}
	if p := r.Open; p.Bytes > 0 {
		fmt.Fprintf(t, "open after kill -9, until healthy\t%.0f ms\t%.2f GiB of records\n", p.HealthyMS, float64(p.Bytes)/(1<<30))
		fmt.Fprintf(t, "GetRecords of all of it, one connection\t%.0f records/s\t%.1f MB/s\tat most %.0f MiB resident\n", p.PerSecond, p.Megabytes, float64(p.PeakRSS)/(1<<20))
	}
	if r.StartMillis > 0 {
		fmt.Fprintf(t, "start, empty folder\t%.0f ms\n", r.StartMillis)
		fmt.Fprintf(t, "resident memory, idle\t%.1f MiB\n", float64(r.IdleRSS)/(1<<20))
	}
	return t.Flush()
}
