// Package browser looks at the page for people in a real Chromium, as an operator
// would: a walpost process on real Postgres and Kafka behind it, servers that go
// away, a phone, dark mode. It holds tests only.
//
// It knows what a person sees of the page. It must not know how the page is made.
package browser
