//! `gssctl config`: the documented configuration file.

use anyhow::Result;

use crate::output;

/// Prints it.
pub(crate) fn run() -> Result<()> {
    output::print(&gss_shared::config::example())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_example_in_the_documentation_is_current() {
        let shown = include_str!("../../docs/gss.example.toml");
        assert!(
            shown == gss_shared::config::example(),
            "refresh it: gssctl config > docs/gss.example.toml"
        );
    }
}
