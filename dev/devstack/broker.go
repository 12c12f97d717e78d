package devstack

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/IBM/sarama"
)

const brokerLog = "broker.log"

// Broker is one Kafka broker with its folder. Its methods that change its state must not be called at the same time.
type Broker struct {
	kafka  *Kafka
	id     int
	guard  *guard
	ports  map[Listener]int
	held   []*ports // those of ports, and of before it moved
	proxy  *Proxy
	server atomic.Pointer[process] // nil before the first start
}

// newBroker creates the folder and chooses the ports.
func newBroker(ctx context.Context, k *Kafka, id int) (*Broker, error) {
	guard, err := newGuard(ctx, "kafka", nil)
	if err != nil {
		return nil, err
	}
	b := &Broker{kafka: k, id: id, guard: guard, ports: map[Listener]int{}}
	listeners := append([]Listener{controller}, k.listeners()...)
	free, err := freePorts(ctx, len(listeners))
	if err != nil {
		return nil, errors.Join(err, guard.close())
	}
	b.held = append(b.held, free)
	for i, l := range listeners {
		b.ports[l] = free.numbers[i]
	}
	if k.options.Proxied {
		if b.proxy, err = NewProxy(ctx, address(b.ports[Proxied])); err != nil {
			return nil, errors.Join(err, b.close())
		}
	}
	return b, nil
}

// format writes the broker's files and makes its log folder a member of the cluster.
func (b *Broker) format(ctx context.Context) error {
	if _, err := b.guard.write("log4j2.xml", []byte(log4jConfig)); err != nil {
		return err
	}
	properties, err := b.properties()
	if err != nil {
		return err
	}
	path, err := b.guard.write("server.properties", []byte(properties))
	if err != nil {
		return err
	}
	argv := append([]string{b.kafka.java, "-Xmx128m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"}, b.kafka.archive...)
	argv = append(argv, "-cp", b.classpath(), "kafka.tools.StorageTool", "format", "-t", b.kafka.id, "-c", path)
	err = b.guard.run(ctx, "format.log", argv...)
	if err != nil && strings.Contains(err.Error(), "UnsupportedClassVersionError") {
		return fmt.Errorf("%s is older than Java 17, which Kafka %s needs: %w", b.kafka.java, kafkaVersion, ErrNoJava)
	}
	return err
}

func (b *Broker) classpath() string { return filepath.Join(b.kafka.jars, "*") }

// Start starts a stopped or killed broker on the same ports and data, and returns when the cluster has let it in: for
// that most of the cluster's brokers must run, so see Kafka.Start for all of them.
func (b *Broker) Start(ctx context.Context) error {
	if err := b.launch(ctx); err != nil {
		return err
	}
	return b.ready(ctx, 1)
}

// launch starts the process.
func (b *Broker) launch(ctx context.Context) error {
	if b.running() {
		return fmt.Errorf("broker %d is running already", b.id)
	}
	argv := append([]string{b.kafka.java, "-Xmx" + strconv.Itoa(b.kafka.options.HeapMiB) + "m"}, b.jvmFlags()...)
	argv = append(argv, "-Dlog4j2.configurationFile="+b.guard.path("log4j2.xml"), "-Djava.awt.headless=true",
		"-cp", b.classpath(), "kafka.Kafka", b.guard.path("server.properties"))
	server, err := b.guard.start(ctx, brokerLog, argv...)
	if err != nil {
		return err
	}
	b.server.Store(server)
	return nil
}

// ready waits until the broker answers and knows itself and so many brokers in all.
func (b *Broker) ready(ctx context.Context, peers int) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	server := b.server.Load()
	err := poll(ctx, func() error {
		if server.ended() {
			return fmt.Errorf("%w: %s", errGiveUp, server.cmd.ProcessState)
		}
		return b.answers(peers)
	})
	if err != nil {
		return fmt.Errorf("broker %d: %w; it wrote:\n%s", b.id, err, server.tail())
	}
	return nil
}

// jvmFlags are Kafka's own, from kafka-run-class.sh, or those for a quick start.
func (b *Broker) jvmFlags() []string {
	if b.kafka.options.QuickStart {
		return slices.Concat([]string{"-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"}, b.kafka.archive, b.kafka.atExit)
	}
	return []string{
		"-server", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-XX:InitiatingHeapOccupancyPercent=35",
		"-XX:+ExplicitGCInvokesConcurrent",
	}
}

// answers asks the broker itself for metadata. A broker is in it from when the controller has let it in.
func (b *Broker) answers(peers int) error {
	conn, err := b.dial()
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	metadata, err := conn.GetMetadata(&sarama.MetadataRequest{Version: 7})
	if err != nil {
		return err
	}
	itself := func(peer *sarama.Broker) bool { return peer.ID() == b.ID() }
	if !slices.ContainsFunc(metadata.Brokers, itself) || len(metadata.Brokers) < peers {
		return fmt.Errorf("it knows %d of %d brokers yet", len(metadata.Brokers), peers)
	}
	return nil
}

// dial opens a connection to this broker and no other; the caller closes it.
func (b *Broker) dial() (*sarama.Broker, error) {
	conn := sarama.NewBroker(b.Addr(Plaintext))
	config := b.kafka.clientConfig()
	config.Net.ReadTimeout = 2 * time.Second // whoever has taken the port may never answer
	return conn, conn.Open(config)
}

// Stop ends the broker by SIGTERM, which moves its partitions' leaders to others, and returns when it has ended, or with
// an error when ctx is done first.
func (b *Broker) Stop(ctx context.Context) error {
	if err := b.server.Load().signal(syscall.SIGTERM); err != nil {
		return err
	}
	return b.server.Load().wait(ctx)
}

// Kill ends the broker by SIGKILL.
func (b *Broker) Kill(ctx context.Context) error { return b.server.Load().kill(ctx) }

// Pause freezes the broker with SIGSTOP: connections stay open and nothing answers.
func (b *Broker) Pause() error { return b.server.Load().pause() }

// Resume ends a Pause.
func (b *Broker) Resume() error { return b.server.Load().resume() }

// Move gives a stopped broker other ports, but for those of the quorum and of its
// Proxy: it starts again under its number at addresses that only the cluster tells.
func (b *Broker) Move(ctx context.Context) error {
	if b.running() {
		return fmt.Errorf("broker %d is running: stop it before it moves", b.id)
	}
	free, err := freePorts(ctx, len(b.ports))
	if err != nil {
		return err
	}
	b.held = append(b.held, free)
	next := free.numbers
	for l := range b.ports {
		if l != controller && l != Proxied {
			b.ports[l], next = next[0], next[1:]
		}
	}
	properties, err := b.properties()
	if err != nil {
		return err
	}
	_, err = b.guard.write("server.properties", []byte(properties))
	return err
}

// ID is the broker's number as Kafka's clients know it.
func (b *Broker) ID() int32 { return int32(b.id) }

// PID is the broker's process number.
func (b *Broker) PID() int { return b.server.Load().pid() }

// Addr is the address, host:port, at which clients reach a listener: the proxy's for Proxied, "" for one that is not
// there.
func (b *Broker) Addr(l Listener) string {
	if l == Proxied && b.proxy != nil {
		return b.proxy.Addr()
	}
	port, ok := b.ports[l]
	if !ok {
		return ""
	}
	return address(port)
}

// Proxy stands before the listener Proxied; nil without the option.
func (b *Broker) Proxy() *Proxy { return b.proxy }

// LogFile is the file with everything the broker has written.
func (b *Broker) LogFile() string { return b.guard.path(brokerLog) }

// LogTail is the end of LogFile.
func (b *Broker) LogTail() string { return tail(b.LogFile(), 0) }

func (b *Broker) running() bool {
	server := b.server.Load()
	return server != nil && !server.ended()
}

func (b *Broker) close() error {
	var err error
	if b.proxy != nil {
		err = b.proxy.Close()
	}
	err = errors.Join(err, b.guard.close())
	for _, p := range b.held {
		p.release()
	}
	b.held = nil
	return err
}
