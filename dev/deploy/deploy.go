// Package deploy holds nothing but tests: of the files in deploy/, of
// docker-compose.yml and the Dockerfile, and of what docs/ says to type. They are
// what an operator runs, so they are run here too, with the tools that read them.
package deploy
