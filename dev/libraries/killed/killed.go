// Package killed holds tests of pkg/inbox and pkg/projection whose processes are killed every second, while records that
// nobody should write are in their topics. The judge of these tests knows what was written, and nothing of walpost.
package killed
