package main

// event is the way of one event from a service to its consumers.
func event(c *canvas) {
	const top, high, back = 12, 206, 190
	c.width, c.height, c.title = 880, 262, "The way of one event: one transaction in Postgres, one record in Kafka"

	c.zone(area{12, top, 216, high}, "your service")
	for i, line := range []string{"BEGIN;", "UPDATE orders …;", "INSERT INTO outbox …;", "COMMIT;"} {
		c.text(point{30, top + 60 + 26*i}, "code", "start", line)
	}
	c.text(point{26, top + back}, "on-way small", "start", "both rows commit, or neither")

	c.zone(area{268, top, 142, high}, "Postgres")
	for i, name := range []string{"orders", "outbox", "WAL"} {
		c.room(area{284, top + 36 + 46*i, 110, 36}, name)
	}

	c.zone(area{466, top, 144, high}, "walpost")
	for i, line := range []string{"reads the inserts", "from the WAL,", "keeps their order"} {
		c.text(point{480, top + 60 + 18*i}, "does", "start", line)
	}

	c.zone(area{666, top, 202, high}, "Kafka")
	c.room(area{678, top + 36, 178, 60}, "outbox.event.order", `42: {"total": 12.50}`)
	for i, line := range []string{"one record for each event,", "in commit order per key,", "to all consumers"} {
		c.text(point{680, top + 120 + 17*i}, "note small", "start", line)
	}

	c.arrow("way", point{228, top + 74}, point{268, top + 74})
	c.arrow("way", point{394, top + 146}, point{432, top + 146}, point{432, top + 66}, point{466, top + 66})
	c.arrow("way", point{610, top + 66}, point{666, top + 66})
	c.arrow("back", point{666, top + back - 4}, point{610, top + back - 4})
	c.arrow("back", point{466, top + back - 4}, point{410, top + back - 4})
	c.text(point{538, top + high + 24}, "on-back small", "middle",
		"confirmed to Postgres only when Kafka has acknowledged all of the transaction")
}
