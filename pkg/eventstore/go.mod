module github.com/walpost/walpost/pkg/eventstore

go 1.22.0

require github.com/walpost/walpost/pkg/outbox v0.4.0
