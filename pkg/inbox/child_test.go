package inbox_test

const childEnv = "WALPOST_INBOX_CHILD"

func child() int { return 1 }
