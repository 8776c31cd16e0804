//! The program. Everything is in the library.

use std::process::ExitCode;

/// Everything is made of small pieces that many threads allocate and give back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    customer_profile::cli::main()
}
