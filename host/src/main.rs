//! The `thumbnet` program: parses arguments, runs one command, turns errors into exit codes.
fn main() {}
