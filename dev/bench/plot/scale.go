package plot

import (
	"math"
	"strconv"
)

// scale turns values into heights.
type scale struct {
	low, high float64
	log       bool
	ticks     []float64
}

func (s scale) y(v float64) float64 {
	share := (v - s.low) / (s.high - s.low)
	if s.log {
		share = math.Log(v/s.low) / math.Log(s.high/s.low)
	}
	return top + plotHeight*(1-share)
}

// scale fits all values and the reference.
func (p Panel) scale() scale {
	low, high := math.Inf(1), math.Inf(-1)
	for _, s := range p.Series {
		for _, v := range s.Values {
			if !math.IsNaN(v) && (v > 0 || !p.Log) {
				low, high = min(low, v), max(high, v)
			}
		}
	}
	if p.Reference > 0 {
		low, high = min(low, p.Reference), max(high, p.Reference)
	}
	if math.IsInf(high, 0) || high <= 0 {
		low, high = 0.1, 1 // nothing to show
	}
	if p.Log {
		return logarithmic(low, high)
	}
	return linear(high)
}

// logarithmic has a tick at each power of ten.
func logarithmic(low, high float64) scale {
	first, last := math.Floor(math.Log10(low)), math.Ceil(math.Log10(high))
	if first == last {
		last++
	}
	s := scale{low: math.Pow(10, first), high: math.Pow(10, last), log: true}
	for e := first; e <= last; e++ {
		s.ticks = append(s.ticks, math.Pow(10, e))
	}
	return s
}

// linear begins at zero and has ticks at round numbers.
func linear(high float64) scale {
	const headroom, fewest = 1.08, 4
	step := math.Pow(10, math.Floor(math.Log10(high)))
	for _, part := range []float64{1, 0.5, 0.2, 0.1} {
		if high/(step*part) >= fewest {
			step *= part
			break
		}
	}
	s := scale{high: high * headroom}
	for n := 0; float64(n)*step <= s.high; n++ {
		s.ticks = append(s.ticks, float64(n)*step)
	}
	return s
}

// number is a value with three digits that count.
func number(v float64) string {
	if v >= 100 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	const digits = 2
	scale := math.Pow(10, digits)
	if v < 0.1 {
		scale *= 10
	}
	return strconv.FormatFloat(math.Round(v*scale)/scale, 'f', -1, 64)
}
