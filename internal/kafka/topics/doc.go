// Package topics describes, creates, alters and compares the topics of a cluster.
package topics
