// Package drivers runs the module in its folder service, a service with the drivers of Postgres that teams have, on real
// servers and behind a pooler. It knows no driver itself: nobody requires that module.
package drivers
