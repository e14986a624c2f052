//! Links of Markdown pages to files of the tree.

use std::path::Path;

/// Targets of relative links that do not exist.
pub(super) fn check(root: &Path, file: &Path, text: &str) -> Vec<String> {
    let folder = root.join(file.parent().unwrap_or(Path::new("")));
    let is_local = |target: &&str| !target.contains("://") && !target.starts_with(['#', '<']);
    let exists = |target: &str| {
        let path = target.split(['#', '?']).next().unwrap_or_default();
        folder.join(path).exists()
    };
    targets(text)
        .into_iter()
        .filter(is_local)
        .filter(|target| !target.starts_with("mailto:") && !exists(target))
        .map(|target| format!("{}: dead link to {target}", file.display()))
        .collect()
}

/// What stands in `](…)`, outside of code blocks.
fn targets(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut in_code = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        let parts = line.split("](").skip(1);
        let targets = parts.filter_map(|part| part.split([')', ' ']).next());
        found.extend(targets.filter(|target| !target.is_empty()));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dead_links_are_found() {
        let text = "[a](src/lint.rs#top) [b](gone.md) [c](https://x.y) [d](#here)\n\
                    ```\n[e](gone_too.md)\n```\n";
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert_eq!(check(root, Path::new("x.md"), text), ["x.md: dead link to gone.md"]);
    }
}
