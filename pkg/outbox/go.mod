module github.com/walpost/walpost/pkg/outbox

go 1.22.0
