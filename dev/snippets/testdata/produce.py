# Writes the keys 0 to 99 to three topics, with the default partitioners of kafka-python and of confluent-kafka, and with
# murmur2_random of the latter.
import sys

import confluent_kafka
import kafka

broker, of_kafka_python, of_librdkafka, of_murmur2_random = sys.argv[1:]
keys = [f"key {n}".encode() for n in range(100)]

producer = kafka.KafkaProducer(bootstrap_servers=broker)
for key in keys:
    producer.send(of_kafka_python, key=key, value=b"")
producer.close()

for topic, settings in (of_librdkafka, {}), (of_murmur2_random, {"partitioner": "murmur2_random"}):
    producer = confluent_kafka.Producer({"bootstrap.servers": broker, **settings})
    for key in keys:
        producer.produce(topic, key=key, value=b"")
    if producer.flush(120):
        sys.exit("not all were written")
