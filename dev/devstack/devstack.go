// Package devstack runs real Postgres and real Kafka servers as child processes, for tests, the demo and benchmarks.
//
// It knows how to find or fetch the servers, how to start, stop, kill, freeze and restart them, how to issue
// certificates for them and how to sit between them and a client ([Proxy]). It must not know walpost: nothing here may
// import the relay's own packages, so that a fault of the relay cannot hide in the stack that tests it.
//
// Every server lives in a temporary folder of its own and is watched by a small shell process ([guard]) which kills the
// server and removes the folder as soon as this process ends, however it ends.
package devstack
