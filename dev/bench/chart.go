package main

import (
	"math"
	"slices"

	"github.com/walpost/walpost/dev/bench/plot"
)

// chartOf draws a part's drains; false when it has none.
func chartOf(r *partReport) (plot.Chart, bool) {
	readers := 0
	for _, c := range r.Cases {
		readers = max(readers, len(summarise(c.Drains)))
	}
	switch {
	case readers == 0:
		return plot.Chart{}, false
	case readers > 2: //nolint:mnd // pg_recvlogical and walpost
		return peersChart(r), true
	default:
		return casesChart(r), true
	}
}

// casesChart shows how walpost's rate and everybody's CPU change with the case.
func casesChart(r *partReport) plot.Chart {
	rate := plot.Panel{Title: "drain, × pg_recvlogical", Reference: 1, Series: []plot.Series{{Name: readerWalpost}}}
	cpu := plot.Panel{Title: "CPU, µs per event", Log: true, Series: []plot.Series{
		{Name: readerWalpost}, {Name: "its walsender"}, {Name: "broker"}, {Name: readerRecvlogical},
	}}
	for _, c := range r.Cases {
		if len(c.Drains) == 0 {
			continue
		}
		rate.Categories, cpu.Categories = append(rate.Categories, c.Name), append(cpu.Categories, c.Name)
		all := summarise(c.Drains)
		s := valueOr(all, readerWalpost)
		base := valueOr(all, readerRecvlogical)
		push(&rate, s.ratio)
		push(&cpu, s.reading, s.walsender, s.broker, base.reading)
	}
	return plot.Chart{Title: r.Title, Panels: []plot.Panel{rate, cpu}}
}

// peersChart shows the relays beside each other, the cases in colours.
func peersChart(r *partReport) plot.Chart {
	rate := plot.Panel{Title: "drain, × pg_recvlogical", Reference: 1}
	cpu := plot.Panel{Title: "CPU, µs per event, without the start", Log: true}
	for _, c := range r.Cases {
		for _, s := range summarise(c.Drains) {
			if s.reader != readerRecvlogical && !slices.Contains(rate.Categories, s.reader) {
				rate.Categories = append(rate.Categories, s.reader)
			}
		}
	}
	cpu.Categories = rate.Categories
	for _, c := range r.Cases {
		all := summarise(c.Drains)
		ratios, micros := plot.Series{Name: label(c.Name)}, plot.Series{Name: label(c.Name)}
		for _, reader := range rate.Categories {
			s := valueOr(all, reader)
			ratios.Values, micros.Values = append(ratios.Values, s.ratio), append(micros.Values, s.reading)
		}
		rate.Series, cpu.Series = append(rate.Series, ratios), append(cpu.Series, micros)
	}
	return plot.Chart{Title: r.Title, Panels: []plot.Panel{rate, cpu}}
}

// push adds one value to each series of a panel.
func push(p *plot.Panel, values ...float64) {
	for i, v := range values {
		p.Series[i].Values = append(p.Series[i].Values, v)
	}
}

// valueOr is the summary of a reader, with no values where it has none that count.
func valueOr(all []summary, reader string) summary {
	if s, ok := find(all, reader); ok {
		return s
	}
	n := math.NaN()
	return summary{reader: reader, rate: n, ratio: n, reading: n, walsender: n, broker: n}
}
