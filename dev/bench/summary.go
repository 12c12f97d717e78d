package main

import "slices"

// summary is one reader in one case: medians over the repetitions that are not void.
type summary struct {
	reader                                string
	rate, ratio, secondHalf               float64
	reading, withStart, walsender, broker float64 // µs of CPU an event
	peak, foreign                         float64 // MiB, cores; the largest
	valid, runs                           int
	void                                  string // why the first void one is
}

// summarise takes a case's drains together by reader, in order of appearance.
func summarise(drains []drain) []summary {
	var all []summary
	for _, d := range drains {
		if !slices.ContainsFunc(all, func(s summary) bool { return s.reader == d.Reader }) {
			all = append(all, summariseReader(d.Reader, drains))
		}
	}
	return all
}

func summariseReader(reader string, drains []drain) summary {
	s := summary{reader: reader}
	var valid []drain
	for _, d := range drains {
		switch {
		case d.Reader != reader:
			continue
		case d.Void == "":
			valid = append(valid, d)
			s.peak, s.foreign = max(s.peak, mib(d.PeakRSS)), max(s.foreign, d.ForeignCores)
		case s.void == "":
			s.void = d.Void
		}
		s.runs++
	}
	if s.valid = len(valid); s.valid == 0 {
		return s
	}
	s.rate = median(valid, func(d drain) float64 { return d.EventsPerSecond })
	s.ratio = median(valid, func(d drain) float64 { return d.Ratio })
	s.secondHalf = median(valid, func(d drain) float64 { return d.SecondHalf })
	s.reading = median(valid, func(d drain) float64 { return d.StreamMicros })
	s.withStart = median(valid, func(d drain) float64 { return d.ReaderMicros })
	s.walsender = median(valid, func(d drain) float64 { return d.WalsenderMicros })
	s.broker = median(valid, func(d drain) float64 { return d.BrokerMicros })
	return s
}

// find is the summary of a reader; false when it has no figures that count.
func find(all []summary, reader string) (summary, bool) {
	i := slices.IndexFunc(all, func(s summary) bool { return s.reader == reader && s.valid > 0 })
	if i < 0 {
		return summary{}, false
	}
	return all[i], true
}
