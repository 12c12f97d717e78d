// Package toolong has a test of what consumers and read models do about a batch that is
// larger than sarama reads. The limit is a variable of the process, so it has a package of
// its own.
package toolong
