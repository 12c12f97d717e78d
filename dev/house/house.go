// Package house holds tests of the code itself: how long functions, files and packages may be, and what tests may
// import. It knows Go source; it must not know walpost.
package house
