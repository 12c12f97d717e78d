import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/** Replaces as Kafka's RegexRouter does: a line of expression, replacement and text, each in base64. */
public class Replace {
    public static void main(String[] args) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] fields = line.split(" ", -1);
            out.println(replace(decode(fields[0]), decode(fields[1]), decode(fields[2])));
        }
        out.flush();
    }

    static String replace(String expression, String replacement, String text) {
        Pattern pattern;
        try {
            pattern = Pattern.compile(expression);
        } catch (PatternSyntaxException e) {
            return "expression";
        }
        Matcher matcher = pattern.matcher(text);
        if (!matcher.matches()) {
            return "=" + encode(text);
        }
        try {
            return "=" + encode(matcher.replaceFirst(replacement));
        } catch (IllegalArgumentException | IndexOutOfBoundsException e) {
            return "replacement";
        }
    }

    static String decode(String text) {
        return new String(Base64.getDecoder().decode(text), StandardCharsets.UTF_8);
    }

    static String encode(String text) {
        return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }
}
