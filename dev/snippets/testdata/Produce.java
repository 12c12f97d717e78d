import java.util.Map;

import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

// Writes the keys 0 to 99 to a topic, with the default partitioner.
public class Produce {
    public static void main(String[] args) {
        var string = new StringSerializer();
        try (var producer = new KafkaProducer<>(Map.<String, Object>of("bootstrap.servers", args[0]), string, string)) {
            for (int key = 0; key < 100; key++) producer.send(new ProducerRecord<>(args[1], "key " + key, ""));
        }
    }
}
