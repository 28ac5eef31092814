//! The `hooke` binary.
fn main() {}
