//! The worker program of the tests: what `bia` does under its hidden subcommand, and nothing else.

#[global_allocator]
static ALLOCATOR: bia_mapper::MeteredAllocator = bia_mapper::MeteredAllocator::system();

fn main() {
    bia_mapper::worker_main()
}
