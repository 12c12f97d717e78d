package devstack

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/IBM/sarama"
)

const brokerLog = "broker.log"

// Broker is one Kafka broker with its folder. Its methods that change its state must not be called at the same time.
type Broker struct {
	kafka  *Kafka
	id     int
	guard  *guard
	ports  map[Listener]int
	proxy  *Proxy
	server *process
}

// newBroker makes the folder and chooses the ports.
func newBroker(ctx context.Context, k *Kafka, id int) (*Broker, error) {
	guard, err := newGuard(ctx, "kafka", nil)
	if err != nil {
		return nil, err
	}
	b := &Broker{kafka: k, id: id, guard: guard, ports: map[Listener]int{}}
	listeners := append([]Listener{controller}, k.listeners()...)
	ports, err := freePorts(ctx, len(listeners))
	if err != nil {
		return nil, errors.Join(err, guard.close())
	}
	for i, l := range listeners {
		b.ports[l] = ports[i]
	}
	if k.options.Proxied {
		if b.proxy, err = NewProxy(ctx, address(b.ports[Proxied])); err != nil {
			return nil, errors.Join(err, guard.close())
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
	return b.guard.run(ctx, "format.log", nil, b.kafka.java, "-Xmx128m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto",
		"-cp", b.classpath(), "kafka.tools.StorageTool", "format", "-t", b.kafka.id, "-c", path)
}

func (b *Broker) classpath() string { return filepath.Join(b.kafka.jars, "*") }

// Start starts a stopped or killed broker on the same ports and data, and returns when it knows every broker of the
// cluster that runs.
func (b *Broker) Start(ctx context.Context) error {
	if b.running() {
		return fmt.Errorf("broker %d is running already", b.id)
	}
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	argv := append([]string{b.kafka.java, "-Xmx" + strconv.Itoa(b.kafka.options.HeapMiB) + "m"}, b.jvmFlags()...)
	argv = append(argv, "-Dlog4j2.configurationFile="+b.guard.path("log4j2.xml"), "-Djava.awt.headless=true",
		"-cp", b.classpath(), "kafka.Kafka", b.guard.path("server.properties"))
	server, err := b.guard.start(ctx, brokerLog, nil, argv...)
	if err != nil {
		return err
	}
	b.server = server
	return poll(ctx, func() error {
		if server.ended() {
			return fmt.Errorf("%w: %w", errGiveUp, server.failure())
		}
		if err := b.answers(); err != nil {
			return fmt.Errorf("broker %d does not answer: %w; it wrote:\n%s", b.id, err, server.tail())
		}
		return nil
	})
}

// jvmFlags are Kafka's own, from kafka-run-class.sh, or those for a quick start.
func (b *Broker) jvmFlags() []string {
	if b.kafka.options.QuickStart {
		return []string{"-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"}
	}
	return []string{
		"-server", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-XX:InitiatingHeapOccupancyPercent=35",
		"-XX:+ExplicitGCInvokesConcurrent",
	}
}

// answers asks the broker itself for metadata; it must know every broker of the cluster that was ever started and has
// not ended. A broker is in metadata once the controller has let it in.
func (b *Broker) answers() error {
	conn := sarama.NewBroker(b.Addr(Plaintext))
	if err := conn.Open(b.kafka.clientConfig()); err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	metadata, err := conn.GetMetadata(&sarama.MetadataRequest{Version: 7})
	if err != nil {
		return err
	}
	known := map[int32]bool{}
	for _, peer := range metadata.Brokers {
		known[peer.ID()] = true
	}
	for _, peer := range b.kafka.brokers {
		if (peer == b || peer.running()) && !known[peer.ID()] {
			return fmt.Errorf("it does not know broker %d yet", peer.id)
		}
	}
	return nil
}

// Stop ends the broker by SIGTERM, which moves its partitions' leaders to others, and returns when it has ended, or with
// an error when ctx is done first.
func (b *Broker) Stop(ctx context.Context) error {
	if err := b.server.signal(syscall.SIGTERM); err != nil {
		return err
	}
	return b.server.wait(ctx)
}

// Kill ends the broker by SIGKILL.
func (b *Broker) Kill(ctx context.Context) error { return b.server.kill(ctx) }

// Pause freezes the broker with SIGSTOP: connections stay open and nothing answers.
func (b *Broker) Pause() error { return b.server.pause() }

// Resume ends a Pause.
func (b *Broker) Resume() error { return b.server.resume() }

// ID is the broker's number as Kafka's clients know it.
func (b *Broker) ID() int32 { return int32(b.id) }

// PID is the broker's process number.
func (b *Broker) PID() int { return b.server.pid() }

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
func (b *Broker) LogTail() string { return tail(b.LogFile()) }

func (b *Broker) running() bool { return b.server != nil && !b.server.ended() }

func (b *Broker) close() error {
	var err error
	if b.proxy != nil {
		err = b.proxy.Close()
	}
	return errors.Join(err, b.guard.close())
}
