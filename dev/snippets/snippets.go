// Package snippets holds nothing but tests: of the code that README.md and docs/ show to users of the libraries, and to
// writers in other languages. Each piece is cut out of its page, compiled, and where it says something of servers, run.
package snippets
