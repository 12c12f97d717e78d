package main

// step is a room on the way of a row, and what it hands on to the next one.
type step struct{ name, does, hands string }

// way is the way of a row from Postgres to Kafka. The steps between the first and
// the last are rooms of internal/.
func way() []step {
	return []step{
		{"walsender", "sends what was committed, in commit order", "CopyData"},
		{"replication", "owns the one connection that streams", "the bytes of a message"},
		{"pgoutput", "decodes: pure, bounded, fuzzed", "Begin, Relation, Insert, Commit"},
		{"relay", "finds the outbox's rows, gives each its position", "a row and its position"},
		{"router", "makes the record, with Debezium's texts of the columns", "a record.Record"},
		{"producer", "queues by partition, one batch of each in flight", "Produce, acks=all"},
		{"broker", "appends to the partition, then acknowledges", ""},
	}
}

// group is rooms that stand beside the way.
type group struct {
	question string
	rooms    []string
}

// beside are the rooms of internal/ that are not on the way of a row.
func beside() []group {
	return []group{
		{"What is said of it?", []string{"status", "admin", "monitor", "systemd"}},
		{"Is all there that it needs?", []string{"preflight"}},
		{"The two servers", []string{"postgres", "postgres/catalog", "postgres/provision", "kafka", "kafka/topics", "kafka/read"}},
		{"The commands", []string{"config", "wiring", "recover", "audit", "replay", "daemon", "cli"}},
	}
}

// Sizes of the picture of a row, in pixels.
const (
	rowWidth            = 880
	boxLeft             = 36
	boxWidth, boxHeight = 430, 54
	between             = 38 // from one box to the next
	border              = 30 // more, where the next box is another process's
	sideLeft, sideWidth = 584, 230
	downAt, upAt        = boxLeft + 60, boxLeft + 262
)

// tops returns the upper edge of each step's box.
func tops() []int {
	y, all := 42, make([]int, len(way()))
	for i := range all {
		all[i] = y
		y += boxHeight + between
		if i == 0 || i == len(all)-2 {
			y += border
		}
	}
	return all
}

// row is the way of one row through the rooms of the program, and of the LSN back.
func row(c *canvas) {
	c.width, c.title = rowWidth, "The way of one row through walpost, and of the LSN back"
	top, last := tops(), len(way())-1
	for _, z := range []struct {
		name     string
		from, to int
	}{{"Postgres", 0, 0}, {"walpost", 1, last - 1}, {"Kafka", last, last}} {
		c.zone(area{12, top[z.from] - 34, rowWidth - 24, top[z.to] - top[z.from] + boxHeight + 48}, z.name)
	}
	for i, s := range way() {
		c.room(area{boxLeft, top[i], boxWidth, boxHeight}, s.name, s.does)
		if i < last {
			c.arrow("way", point{downAt, top[i] + boxHeight}, point{downAt, top[i+1]})
			c.text(point{downAt + 10, top[i+1] - 14}, "on-way small", "start", s.hands)
		}
	}
	back(c, top)
	c.height = rooms(c, top[last]+boxHeight+48)
}

// back draws the way of the LSN, from the broker's answer to the standby status.
func back(c *canvas, top []int) {
	const (
		replication, relay, producer, broker = 1, 3, 5, 6
		right, centre                        = boxLeft + boxWidth, sideLeft + sideWidth/2
	)
	middle := func(i int) int { return top[i] + boxHeight/2 }
	note := func(x, y int, lines ...string) {
		for i, line := range lines {
			c.text(point{x + 10, y + 17*i}, "on-back small", "start", line)
		}
	}
	c.room(area{sideLeft, top[relay], sideWidth, boxHeight}, "checkpoint", "which LSN may be confirmed")
	c.arrow("way", point{right, middle(relay)}, point{sideLeft, middle(relay)})
	c.text(point{(right + sideLeft) / 2, middle(relay) - 8}, "on-way small", "middle", "event 1, 2, 3 …")

	c.arrow("back", point{upAt, top[broker]}, point{upAt, top[producer] + boxHeight})
	note(upAt, top[broker]-14, "acknowledged")
	c.arrow("back", point{right, middle(producer)}, point{centre, middle(producer)}, point{centre, top[relay] + boxHeight})
	note(centre, middle(relay+1)-4, "watermark: all events", "before it are in Kafka")
	c.arrow("back", point{centre, top[relay]}, point{centre, middle(replication)}, point{right, middle(replication)})
	note(centre, middle(relay-1)-4, "end of a transaction", "that is all in Kafka")
	c.arrow("back", point{upAt, top[replication]}, point{upAt, top[0] + boxHeight})
	note(upAt, top[replication]-14, "standby status: flushed up to that LSN")
}

// rooms lists from y on what stands beside the way, and returns where it ends.
func rooms(c *canvas, y int) int {
	for _, g := range beside() {
		c.text(point{boxLeft, y}, "note small", "start", g.question)
		x := 230
		for _, name := range g.rooms {
			c.text(point{x, y}, "code", "start", name)
			x += len(name)*15/2 + 16
		}
		y += 24
	}
	return y
}
