// Package debezium writes the text of each SQL type as Debezium does.
package debezium
