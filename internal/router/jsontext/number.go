package jsontext

// Number returns the length of the number at the front of a text, strictly by RFC 8259, and
// whether it is whole: without fraction and exponent. 0: there is none.
func Number(text []byte) (n int, whole bool) {
	if len(text) > 0 && text[0] == '-' {
		n++
	}
	first := n
	if n = digits(text, n); n == first || text[first] == '0' && n > first+1 {
		return 0, false
	}
	whole = true
	if n < len(text) && text[n] == '.' {
		whole = false
		from := n + 1
		if n = digits(text, from); n == from {
			return 0, false
		}
	}
	if n < len(text) && (text[n] == 'e' || text[n] == 'E') {
		whole = false
		from := n + 1
		if from < len(text) && (text[from] == '+' || text[from] == '-') {
			from++
		}
		if n = digits(text, from); n == from {
			return 0, false
		}
	}
	return n, whole
}

// digits returns where the digits from n on end.
func digits(text []byte, n int) int {
	for n < len(text) && text[n] >= '0' && text[n] <= '9' {
		n++
	}
	return n
}

// isNumber reports whether a word is a number of JSON.
func isNumber(word []byte) bool {
	n, _ := Number(word)
	return n > 0 && n == len(word)
}
