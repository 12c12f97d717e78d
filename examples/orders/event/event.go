// Package event is what the two services say to each other: the types of the events
// and their payload. It is all that they share.
package event

// The events of an order, in the header eventType.
const (
	Placed    = "OrderPlaced"
	Cancelled = "OrderCancelled"
)

// Aggregate is the aggregate type of orders, and part of their topic's name.
const Aggregate = "purchase"

// Order is the payload of both events.
type Order struct {
	ID       int64  `json:"id"`
	Customer string `json:"customer"`
	Cents    int64  `json:"cents"`
}
