package republish

// NewLimiter returns the limit of Options.Rate.
var NewLimiter = newLimiter
