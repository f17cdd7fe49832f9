//! What the compiler does not check: budgets, who may depend on whom, licences, words in the wrong
//! room.
//!
//! Every rule gives all its findings. The rules run as tests of this package and by `cargo xtask
//! tidy`.

mod graph;
mod text;

use anyhow::{Result, bail};

/// Files above 400 lines, each with the reason why it is not cut.
pub(crate) const LONG_FILES: &[(&str, &str)] = &[];

/// All findings.
fn findings() -> Result<Vec<String>> {
    let mut all = text::findings()?;
    all.extend(graph::findings()?);
    Ok(all)
}

/// `cargo xtask tidy`.
pub(crate) fn run() -> Result<()> {
    let all = findings()?;
    for finding in &all {
        eprintln!("{finding}");
    }
    if !all.is_empty() {
        bail!("{} findings", all.len());
    }
    println!("tidy: no findings");
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_tree_is_tidy() {
        let all = super::findings().unwrap();
        assert!(all.is_empty(), "\n{}", all.join("\n"));
    }
}
