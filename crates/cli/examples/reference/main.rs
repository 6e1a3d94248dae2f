//! Writes the generated pages of the book: `cargo run -p bia --example reference`.
//!
//! Every key from the configuration's JSON Schema, every command from the command line's own definitions, every AADSTS
//! number from the provider's table, the differences from Kratos from the README, and `llms.txt` from all pages. A test
//! compares the files with what this would write.

mod commands;
mod keys;
mod pages;

use std::path::Path;

fn main() -> std::io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for (file, text) in pages::generated(&root)? {
        let path = root.join(&file);
        if std::fs::read_to_string(&path).ok().as_deref() != Some(&text) {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            std::fs::write(&path, text)?;
        }
    }
    // Last, since it speaks of the pages above, too.
    let (file, text) = pages::llms_txt(&root)?;
    std::fs::write(root.join(file), text)
}
