import java.math.BigDecimal;
import java.sql.SQLException;

import javax.sql.DataSource;

import org.postgresql.ds.PGSimpleDataSource;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.datasource.DataSourceTransactionManager;
import org.springframework.transaction.annotation.EnableTransactionManagement;

// Places an order by each class of docs/outbox.md, and one that the database refuses at its COMMIT.
public class Place {
    @Configuration
    @EnableTransactionManagement
    @Import({TemplateOrders.class, ClientOrders.class})
    static class Shop {
        static String url, user;

        @Bean
        DataSource pool() {
            var pool = new PGSimpleDataSource();
            pool.setURL(url);
            pool.setUser(user);
            return pool;
        }

        @Bean
        DataSourceTransactionManager transactions(DataSource pool) { return new DataSourceTransactionManager(pool); }

        @Bean
        JdbcTemplate template(DataSource pool) { return new JdbcTemplate(pool); }

        @Bean
        JdbcClient client(DataSource pool) { return JdbcClient.create(pool); }
    }

    interface Orders { void place(String id, BigDecimal total) throws SQLException; }

    public static void main(String[] args) throws Exception {
        Shop.url = args[0];
        Shop.user = args[1];
        try (var context = new AnnotationConfigApplicationContext(Shop.class)) {
            var pool = context.getBean(DataSource.class);
            place("jdbc", (id, total) -> JdbcOrders.place(pool, id, total));
            place("jdbc-template", context.getBean(TemplateOrders.class)::place);
            place("jdbc-client", context.getBean(ClientOrders.class)::place);
        }
    }

    static void place(String name, Orders orders) throws Exception {
        orders.place(name, new BigDecimal("12.5"));
        try {
            orders.place(name + "-refused", new BigDecimal("12.5"));
        } catch (Exception e) {
            for (Throwable cause = e; cause != null; cause = cause.getCause())
                if (cause.getMessage().contains("refused at the end")) return;
            throw e;
        }
        throw new AssertionError("the refused order was placed");
    }
}
