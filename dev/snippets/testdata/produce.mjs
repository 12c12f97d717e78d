// Writes the keys 0 to 99 to a topic, with the default partitioner of kafkajs.
import { Kafka, logLevel } from 'kafkajs';

const [broker, topic] = process.argv.slice(2);
const producer = new Kafka({ brokers: [broker], logLevel: logLevel.ERROR }).producer();
await producer.connect();
await producer.send({ topic, messages: Array.from({ length: 100 }, (_, n) => ({ key: `key ${n}`, value: '' })) });
await producer.disconnect();
